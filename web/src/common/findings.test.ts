import { expect, test } from "vitest";
import type { LintFinding } from "../generated/read-api";
import { findingsOf } from "./findings";

const finding = (resource: string, field: string): LintFinding => ({
  severity: "error",
  code: "blackhole-route",
  resource,
  field,
  sentence: "",
  values: {},
  fix: "",
});
const all = [finding("rtb-1", "Routes"), finding("rtb-1", "Tags"), finding("rtb-2", "Routes")];

test("a field shows only what it causes itself", () => {
  expect(findingsOf(all, "rtb-1", ["Routes"])).toEqual([all[0]]);
});

test("without a field, everything about the resource is shown", () => {
  expect(findingsOf(all, "rtb-1")).toEqual([all[0], all[1]]);
  expect(findingsOf(all, "rtb-3")).toEqual([]);
});
