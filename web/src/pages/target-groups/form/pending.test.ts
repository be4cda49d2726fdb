import { expect, test } from "vitest";
import { addressesIn, describedTargets, withPending } from "./pending";

test("a target is pending once", () => {
  const one = { id: "i-1", note: "fw-1" };
  expect(
    withPending(
      [one],
      [
        { id: "i-1", note: "again" },
        { id: "i-2", note: "" },
        { id: "i-2", note: "" },
      ],
    ),
  ).toEqual([one, { id: "i-2", note: "" }]);
});

test("addresses may stand on lines or between commas", () => {
  expect(addressesIn(" 10.0.0.4, 10.0.0.5\n10.0.0.6 ")).toEqual(["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
});

test("only addresses outside of the VPC name a zone", () => {
  expect(
    describedTargets([
      { id: "10.0.0.4", note: "" },
      { id: "172.16.0.4", zone: "all", note: "" },
    ]),
  ).toEqual([{ Id: "10.0.0.4" }, { Id: "172.16.0.4", AvailabilityZone: "all" }]);
});
