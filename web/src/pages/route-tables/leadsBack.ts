/** The loop, before it is saved: a route into an endpoint whose own subnet uses the same table. */

import type { ec2 } from "../../generated/aws";
import { tableOf } from "../../common/associations";
import type { Placed } from "./routeTargets";

/** Whether what this endpoint returns inspected asks `table` again, and would take this very route; the design checker finds longer loops. */
export function leadsBack(
  tables: readonly ec2.RouteTable[],
  table: string,
  endpoints: readonly ec2.VpcEndpoint[],
  route: Placed,
): boolean {
  const endpoint = endpoints.find((one) => one.VpcEndpointId === route.target.trim());
  const subnet = endpoint?.SubnetIds?.[0];
  return subnet !== undefined && tableOf(tables, "SubnetId", subnet)?.RouteTableId === table;
}
