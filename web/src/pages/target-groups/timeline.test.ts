import { expect, test } from "vitest";
import type { TargetProbe, TargetTimeline } from "../../generated/read-api";
import { isFlapping, targetRows, threshold } from "./timeline";

const probe = (ok: boolean): TargetProbe => ({ at: 0, ok, took_ms: 1, said: ok ? "connected" : "refused" });
const timeline = (state: string, successes: number, failures: number): TargetTimeline => ({
  target_group: "arn:tg",
  target: "i-1",
  name: null,
  address: "10.0.0.4",
  zone: "z-a",
  state,
  reason: "",
  description: "",
  given: null,
  returned: null,
  flows: null,
  health: {
    interval_s: 10,
    timeout_s: 5,
    healthy_threshold: 5,
    unhealthy_threshold: 3,
    successes,
    failures,
    probes: [],
  },
  draining: null,
  transitions: [],
});

test("a healthy target counts its failures, an unhealthy one its successes", () => {
  expect(threshold(timeline("healthy", 0, 2))).toEqual({ kind: "failed", count: 2, of: 3 });
  expect(threshold(timeline("unhealthy", 1, 0))).toEqual({ kind: "succeeded", count: 1, of: 5 });
  expect(threshold(timeline("healthy", 9, 0))).toBeNull();
});

test("a target flaps when its states or its probes change again and again", () => {
  const at = (when: number, state: string) => ({ at: when, state, reason: "" });
  const states = [at(1000, "healthy"), at(1100, "unhealthy"), at(1200, "healthy"), at(1300, "unhealthy")];
  expect(isFlapping(states, [], 1400)).toBe(true);
  expect(isFlapping(states, [], 3000)).toBe(false);
  expect(isFlapping([], [true, false, true, false, true].map(probe), 0)).toBe(true);
  expect(isFlapping([], [true, true, false, false].map(probe), 0)).toBe(false);
});

test("AWS's answer decides which targets there are; the timeline adds to it", () => {
  const rows = targetRows(
    [{ Target: { Id: "i-1" }, TargetHealth: { State: "healthy" } }, { Target: { Id: "i-2" } }],
    [timeline("healthy", 1, 0)],
  );
  expect(rows.map((row) => [row.id, row.zone, row.timeline?.address])).toEqual([
    ["i-1", "z-a", "10.0.0.4"],
    ["i-2", "", undefined],
  ]);
});
