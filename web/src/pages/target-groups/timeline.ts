/** What a target's probes and states say, for people. Pure. */

import type { elbv2 } from "../../generated/aws";
import type { TargetProbe, TargetTimeline, TargetTransition } from "../../generated/read-api";

export interface TargetRow {
  id: string;
  zone: string;
  state: string;
  reason: string;
  description: string;
  timeline: TargetTimeline | undefined;
}

/** AWS's answer, each target with its timeline where the server has one. */
export function targetRows(
  health: readonly elbv2.TargetHealthDescription[],
  timelines: readonly TargetTimeline[],
): TargetRow[] {
  const known = new Map(timelines.map((one) => [one.target, one]));
  return health.map((one) => {
    const id = one.Target?.Id ?? "";
    const timeline = known.get(id);
    return {
      id,
      zone: timeline?.zone ?? one.Target?.AvailabilityZone ?? "",
      state: one.TargetHealth?.State ?? "",
      reason: one.TargetHealth?.Reason ?? "",
      description: one.TargetHealth?.Description ?? "",
      timeline,
    };
  });
}

/** Counts by state, as AWS's console has them above the targets. */
export function countedStates(rows: readonly TargetRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return counts;
}

export interface Threshold {
  kind: "failed" | "succeeded";
  count: number;
  of: number;
}

/** How far a target is from its next state: "2 of 3 failed"; null when its last probe agrees with its state. */
export function threshold(timeline: TargetTimeline): Threshold | null {
  const { health, state } = timeline;
  if (state === "healthy") {
    return health.failures > 0 ? { kind: "failed", count: health.failures, of: health.unhealthy_threshold } : null;
  }
  return state === "unhealthy" && health.successes > 0
    ? { kind: "succeeded", count: health.successes, of: health.healthy_threshold }
    : null;
}

const FLAPPING_S = 600;
const STATE_CHANGES = 3;
const PROBES = 20;
const PROBE_CHANGES = 4;

const changes = (values: readonly unknown[]): number =>
  values.filter((one, at) => at > 0 && one !== values[at - 1]).length;

/** Three changes between healthy and unhealthy in ten minutes, or four changes of answer in the last twenty probes. */
export function isFlapping(
  transitions: readonly TargetTransition[],
  probes: readonly TargetProbe[],
  nowS: number,
): boolean {
  const states = transitions
    .filter((one) => one.at >= nowS - FLAPPING_S && (one.state === "healthy" || one.state === "unhealthy"))
    .map((one) => one.state);
  return changes(states) >= STATE_CHANGES || changes(probes.slice(-PROBES).map((one) => one.ok)) >= PROBE_CHANGES;
}
