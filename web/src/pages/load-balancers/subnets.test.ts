import { expect, test } from "vitest";
import { byZone } from "./subnets";

test("subnets stand under their zone, and those of another VPC nowhere", () => {
  const subnet = (id: string, zone: string, vpc = "vpc-1") => ({ SubnetId: id, AvailabilityZone: zone, VpcId: vpc });
  const zones = byZone(
    [subnet("b", "z-b"), subnet("a", "z-a"), subnet("x", "z-a", "vpc-2"), subnet("a2", "z-a")],
    "vpc-1",
  );
  expect(zones.map((one) => [one.zone, one.subnets.map((each) => each.SubnetId)])).toEqual([
    ["z-a", ["a", "a2"]],
    ["z-b", ["b"]],
  ]);
});
