import { expect, test } from "vitest";
import type { ec2 } from "../../generated/aws";
import { leadsBack } from "./leadsBack";

const tables: ec2.RouteTable[] = [
  { RouteTableId: "rtb-main", Associations: [{ Main: true, RouteTableAssociationId: "a" }] },
  { RouteTableId: "rtb-app", Associations: [{ SubnetId: "subnet-app", RouteTableAssociationId: "b" }] },
];
const endpoints: ec2.VpcEndpoint[] = [
  { VpcEndpointId: "vpce-app", SubnetIds: ["subnet-app"] },
  { VpcEndpointId: "vpce-own", SubnetIds: ["subnet-own"] },
];
const to = (target: string) => ({ destination: "0.0.0.0/0", kind: "endpoint" as const, target });

test("an endpoint in the application's own subnet gets its packets back", () => {
  expect(leadsBack(tables, "rtb-app", endpoints, to("vpce-app"))).toBe(true);
});

test("an endpoint in a subnet of its own does not, except by the main table when it has no other", () => {
  expect(leadsBack(tables, "rtb-app", endpoints, to("vpce-own"))).toBe(false);
  expect(leadsBack(tables, "rtb-main", endpoints, to("vpce-own"))).toBe(true);
});

test("other targets never do", () => {
  expect(leadsBack(tables, "rtb-app", endpoints, { ...to("igw-1"), kind: "gateway" })).toBe(false);
});
