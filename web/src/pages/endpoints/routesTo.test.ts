import { expect, test } from "vitest";
import { routesTo } from "./routesTo";

test("routes of all tables that lead to the endpoint, of both protocols", () => {
  const app = {
    RouteTableId: "rtb-1",
    Routes: [
      { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "vpce-1", State: "active" },
      { DestinationCidrBlock: "10.0.0.0/16", GatewayId: "local", State: "active" },
    ],
  };
  const edge = { RouteTableId: "rtb-2", Routes: [{ DestinationIpv6CidrBlock: "::/0", GatewayId: "vpce-1" }] };
  expect(routesTo([app, edge], "vpce-1").map((one) => [one.table.RouteTableId, one.destination])).toEqual([
    ["rtb-1", "0.0.0.0/0"],
    ["rtb-2", "::/0"],
  ]);
});
