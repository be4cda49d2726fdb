import { expect, test } from "vitest";
import { changedAttributes, controlOf, faultyKey } from "./attributes";

test("a key without a known list of values gets its control from what it holds", () => {
  expect(controlOf("load_balancing.cross_zone.enabled", "false")).toEqual({ kind: "switch" });
  expect(controlOf("deregistration_delay.timeout_seconds", "300")).toEqual({ kind: "seconds" });
  expect(controlOf("stickiness.type", "source_ip_dest_ip")).toMatchObject({ kind: "choice" });
  expect(controlOf("new.key", "words")).toEqual({ kind: "text" });
});

test("only what differs is sent, and the two of target failover together", () => {
  const before = {
    "stickiness.enabled": "false",
    "target_failover.on_deregistration": "no_rebalance",
    "target_failover.on_unhealthy": "no_rebalance",
  };
  expect(changedAttributes(before, before)).toEqual([]);
  expect(changedAttributes(before, { ...before, "target_failover.on_unhealthy": "rebalance" })).toEqual([
    { Key: "target_failover.on_deregistration", Value: "no_rebalance" },
    { Key: "target_failover.on_unhealthy", Value: "rebalance" },
  ]);
});

test("an error stands beside the attribute that it names", () => {
  const keys = ["stickiness.enabled", "deregistration_delay.timeout_seconds"];
  expect(faultyKey("'deregistration_delay.timeout_seconds' value '9000' must be between '0-3600'", keys)).toBe(keys[1]);
  expect(faultyKey("'send_tcp_reset' cannot be enabled when 'stickiness.enabled' is 'true'", keys)).toBe(keys[0]);
  expect(faultyKey("Load balancer not found", keys)).toBeUndefined();
});
