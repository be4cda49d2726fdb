import { expect, test } from "vitest";
import { subnetCalls } from "./subnets";

const acl = (id: string, subnets: readonly string[], isDefault = false) => ({
  NetworkAclId: id,
  VpcId: "vpc-1",
  IsDefault: isDefault,
  Associations: subnets.map((subnet) => ({ SubnetId: subnet, NetworkAclAssociationId: `assoc-${subnet}` })),
});
const standard = acl("acl-default", ["subnet-1"], true);
const own = acl("acl-own", ["subnet-2"]);

test("a subnet that comes is taken from its ACL, and one that goes gets the default one", () => {
  expect(subnetCalls([standard, own], own, ["subnet-1"]).map((call) => call.parameters)).toEqual([
    { AssociationId: "assoc-subnet-1", NetworkAclId: "acl-own" },
    { AssociationId: "assoc-subnet-2", NetworkAclId: "acl-default" },
  ]);
});

test("the same subnets: nothing is called", () => {
  expect(subnetCalls([standard, own], own, ["subnet-2"])).toEqual([]);
});
