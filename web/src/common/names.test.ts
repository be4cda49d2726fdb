import { expect, test } from "vitest";
import { arnName, idAndName, nameTag } from "./names";

test("a Name tag stands behind the id", () => {
  expect(idAndName("vpc-1", { Tags: [{ Key: "Name", Value: "edge" }] })).toBe("vpc-1 (edge)");
  expect(idAndName("vpc-1", {})).toBe("vpc-1");
});

test("no name, no tag", () => {
  expect(nameTag("vpc", "")).toBeUndefined();
});

test("an ARN's name is the part before its id", () => {
  expect(arnName("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/gwy/fw/50dc")).toBe("fw");
});
