/** The calls that this tab made and that changed something, newest first: the drawer shows them as commands. */

/** A call of AWS's API, made or about to be made. */
export interface Call {
  service: string;
  operation: string;
  parameters: unknown;
}

const KEPT = 50;
const listeners = new Set<() => void>();
let calls: readonly Call[] = [];

export function noteCall(call: Call): void {
  calls = [call, ...calls].slice(0, KEPT);
  for (const told of listeners) told();
}

export function subscribeCalls(told: () => void): () => void {
  listeners.add(told);
  return () => listeners.delete(told);
}

export const notedCalls = (): readonly Call[] => calls;
