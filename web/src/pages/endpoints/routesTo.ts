import type { ec2 } from "../../generated/aws";

export interface RouteHere {
  table: ec2.RouteTable;
  destination: string;
  state: string | undefined;
}

/** The routes of these tables that lead to an endpoint, which stands in `GatewayId` as on AWS. */
export const routesTo = (tables: readonly ec2.RouteTable[], endpoint: string): RouteHere[] =>
  tables.flatMap((table) =>
    (table.Routes ?? [])
      .filter((route) => route.GatewayId === endpoint)
      .map((route) => ({
        table,
        destination: route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? "",
        state: route.State,
      })),
  );
