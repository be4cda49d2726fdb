/** Lists flows, then asks each second what began and ended, and lists anew often enough for the counters to be worth reading. */

import type { AwsError } from "../../api/http";
import { type Flow, flowId } from "./flow";
import type { FlowsAnswer } from "./lines";

export interface Seen {
  flows: readonly Flow[];
  /** All that the filter lets through, also those beyond the limit. */
  total: number;
  /** Milliseconds since the epoch. */
  at: number;
  error: AwsError | null;
}

export interface Source {
  /** `since` is an earlier answer's `at`; null lists. */
  ask: (since: number | null, signal: AbortSignal) => Promise<FlowsAnswer>;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  now: () => number;
}

const EVERY_MS = 1_000;
const RETRY_MS = 2_000;

/** A listing that took long, because there are many flows, is repeated less often: at most a tenth of the time goes into it. */
export const listAgainAfter = (tookMs: number): number => Math.max(2_000, 10 * tookMs);

/** Those that began come first; a flow that ended is gone. Null when nothing changed. */
export function merged(before: readonly Flow[], { flows, ended }: FlowsAnswer, limit: number): Flow[] | null {
  if (flows.length === 0 && ended.length === 0) return null;
  const gone = new Set([...ended, ...flows].map(flowId));
  return [...flows, ...before.filter((flow) => !gone.has(flowId(flow)))].slice(0, limit);
}

/** Goes on until the signal; when not `following`, only until the first listing has come. */
export async function watchFlows(
  source: Source,
  { following, limit, signal }: { following: boolean; limit: number; signal: AbortSignal },
  publish: (change: (before: Seen) => Seen) => void,
): Promise<void> {
  do {
    try {
      await listThenFollow(source, { following, limit, signal }, publish);
    } catch (problem) {
      if (signal.aborted) return;
      publish((before) => ({ ...before, error: problem as AwsError }));
      await source.wait(RETRY_MS, signal);
    }
  } while (following && !signal.aborted);
}

async function listThenFollow(
  source: Source,
  { following, limit, signal }: { following: boolean; limit: number; signal: AbortSignal },
  publish: (change: (before: Seen) => Seen) => void,
): Promise<void> {
  const began = source.now();
  let answer = await source.ask(null, signal);
  let { flows, total } = answer;
  const took = source.now() - began;
  publish(() => ({ flows, total, at: source.now(), error: null }));
  while (following && source.now() - began < listAgainAfter(took)) {
    await source.wait(EVERY_MS, signal);
    answer = await source.ask(answer.at, signal);
    const next = merged(flows, answer, limit);
    if (!next) continue;
    total += next.length - flows.length;
    flows = next;
    publish((before) => ({ ...before, flows, total }));
  }
}
