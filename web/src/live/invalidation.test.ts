import { expect, test } from "vitest";
import { isStale, staleAfter } from "./invalidation";

test("a target's change makes its health and the map stale, and nothing of VPCs", () => {
  const names = staleAfter(["Target"]);
  expect(isStale(["aws", "1", "r", "elbv2", "DescribeTargetHealth", {}], names)).toBe(true);
  expect(isStale(["read", "1", "r", "map", undefined], names)).toBe(true);
  expect(isStale(["aws", "1", "r", "ec2", "DescribeVpcs", {}], names)).toBe(false);
});
