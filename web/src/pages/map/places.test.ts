import { expect, test } from "vitest";
import { captureOf, pageOf, shortId, walkOf } from "./places";
import { node } from "./testing";

const arn = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/fw/9a";

test("a target leads to its group's page and is captured at its instance", () => {
  const target = node(`${arn}|i-1`, "target", { detail: { target: "i-1", target_group: arn } });
  expect(pageOf(target)).toBe(`/target-groups/${encodeURIComponent(arn)}`);
  expect(captureOf(target)).toBe("i-1");
  expect(shortId(target)).toBe("i-1");
});

test("what is no more has no page and no packets", () => {
  const gone = node("vpce-1", "endpoint", { state: "deleted" });
  expect([pageOf(gone), captureOf(gone), walkOf(gone)]).toEqual([null, null, null]);
});

test("an instance is walked to by its public address, an endpoint by itself", () => {
  const web = node("i-1", "instance", { detail: { addresses: ["10.0.1.4"], public_addresses: ["203.0.113.4"] } });
  expect(walkOf(web)).toBe("/walk?server=203.0.113.4");
  expect(walkOf(node("vpce-1", "endpoint"))).toBe("/walk?endpoint=vpce-1");
  expect(walkOf(node("subnet-1", "subnet"))).toBeNull();
});
