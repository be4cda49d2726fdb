import { expect, test } from "vitest";
import type { ec2 } from "../generated/aws";
import { associationCalls, tableOf } from "./associations";

const main: ec2.RouteTable = {
  RouteTableId: "rtb-main",
  Associations: [{ Main: true, RouteTableAssociationId: "rtbassoc-m" }],
};
const own: ec2.RouteTable = {
  RouteTableId: "rtb-own",
  Associations: [
    { SubnetId: "subnet-1", RouteTableAssociationId: "rtbassoc-1" },
    { GatewayId: "igw-1", RouteTableAssociationId: "rtbassoc-g" },
  ],
};
const tables = [main, own];

test("a subnet without a table of its own uses the main one, a gateway none", () => {
  expect(tableOf(tables, "SubnetId", "subnet-9")?.RouteTableId).toBe("rtb-main");
  expect(tableOf(tables, "SubnetId", "subnet-1")?.RouteTableId).toBe("rtb-own");
  expect(tableOf(tables, "GatewayId", "igw-9")).toBeUndefined();
});

test("a subnet of another table moves, a free one comes, an unchosen one goes", () => {
  expect(associationCalls(tables, main, "SubnetId", ["subnet-1", "subnet-2"])).toEqual([
    {
      service: "ec2",
      operation: "ReplaceRouteTableAssociation",
      parameters: { AssociationId: "rtbassoc-1", RouteTableId: "rtb-main" },
    },
    {
      service: "ec2",
      operation: "AssociateRouteTable",
      parameters: { RouteTableId: "rtb-main", SubnetId: "subnet-2" },
    },
  ]);
  expect(associationCalls(tables, own, "SubnetId", [])).toEqual([
    { service: "ec2", operation: "DisassociateRouteTable", parameters: { AssociationId: "rtbassoc-1" } },
  ]);
});

test("gateways are told apart from subnets", () => {
  expect(associationCalls(tables, own, "GatewayId", ["igw-1"])).toEqual([]);
});
