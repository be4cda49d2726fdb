import { expect, test } from "vitest";
import { fixPath, idsIn, pathOf } from "./links";

const owners = new Map([["eni-1", "i-1"]]);
const fix = (page: Parameters<typeof fixPath>[0]["page"], resource: string, field: string) =>
  fixPath({ page, resource, field, command: "" }, owners);

test("a fix leads to the form that has its field", () => {
  expect(fix("route-table", "rtb-1", "Routes")).toBe("/route-tables/rtb-1/routes");
  expect(fix("security-group", "sg-1", "IpPermissions")).toBe("/security-groups/sg-1/inbound");
  expect(fix("security-group", "sg-1", "IpPermissionsEgress")).toBe("/security-groups/sg-1/outbound");
  expect(fix("network-acl", "acl-1", "Entries")).toBe("/network-acls/acl-1");
  expect(fix("endpoint", "vpce-1", "State")).toBe("/endpoints/vpce-1");
});

test("a gateway without a route table leads to itself", () => {
  expect(fix("route-table", "igw-1", "Routes")).toBe("/internet-gateways/igw-1");
});

test("ids stand apart in a sentence", () => {
  expect(idsIn("By rtb-0123456789abcdef0, to vpce-0123abcd.")).toEqual([
    "By ",
    "rtb-0123456789abcdef0",
    ", to ",
    "vpce-0123abcd",
    ".",
  ]);
  expect(idsIn("10.0.0.1 i-am no id")).toEqual(["10.0.0.1 i-am no id"]);
});

test("a target group's ARN is one part of the address", () => {
  const arn = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/fw/1";
  expect(fix("target-group", arn, "Targets")).toBe(`/target-groups/${encodeURIComponent(arn)}/register`);
});

test("a network interface is seen on its instance's page, and nowhere when it has none", () => {
  expect(fix("network-interface", "eni-1", "SourceDestCheck")).toBe("/instances/i-1");
  expect(pathOf("eni-2", owners)).toBeNull();
});

test("an address is no resource", () => {
  expect(pathOf("10.0.0.1", owners)).toBeNull();
});
