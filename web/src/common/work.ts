/** A button that makes several things, one call after another: what was made stays made, and the next try goes on behind it. */

import { useState } from "react";
import { AwsError } from "../api/http";
import { type Caller, useCalls } from "./useCalls";

export interface Piece<M, K extends string> {
  id: K;
  /** Whether an earlier try made it, or nothing is to be made. */
  done: (made: M) => boolean;
  run: (call: Caller, made: M) => Promise<M>;
}

export interface Failure<K extends string> {
  id: K;
  error: AwsError;
}

/** Stops at the first piece that is refused. `told` hears what is being made, and with what behind it. */
export async function runPieces<M, K extends string>(
  pieces: readonly Piece<M, K>[],
  call: Caller,
  before: M,
  told: (made: M, running: K | null) => void,
): Promise<{ made: M; failure: Failure<K> | null }> {
  let made = before;
  for (const piece of pieces) {
    if (piece.done(made)) continue;
    told(made, piece.id);
    try {
      made = await piece.run(call, made);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      told(made, null);
      return { made, failure: { id: piece.id, error } };
    }
  }
  told(made, null);
  return { made, failure: null };
}

export interface Working<M, K extends string> {
  made: M;
  running: K | null;
  failure: Failure<K> | null;
  start: (pieces: readonly Piece<M, K>[], onDone: (made: M) => void, onFailure?: (failure: Failure<K>) => void) => void;
}

export function useWork<M, K extends string>(nothing: M): Working<M, K> {
  const calls = useCalls();
  const [made, setMade] = useState(nothing);
  const [running, setRunning] = useState<K | null>(null);
  const [failure, setFailure] = useState<Failure<K> | null>(null);
  const start: Working<M, K>["start"] = (pieces, onDone, onFailure) => {
    setFailure(null);
    void calls(async (call) => {
      const end = await runPieces(pieces, call, made, (now, at) => {
        setMade(now);
        setRunning(at);
      });
      setFailure(end.failure);
      if (end.failure) onFailure?.(end.failure);
      else onDone(end.made);
    });
  };
  return { made, running, failure, start };
}
