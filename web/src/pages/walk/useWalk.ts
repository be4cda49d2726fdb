import { useEffect, useRef, useState } from "react";
import { AwsError } from "../../api/http";
import { read } from "../../api/read";
import type { WalkAsked } from "../../generated/read-api";
import { useScope } from "../../session/scope";
import type { Walk } from "./answer";

const TICK_MS = 250;

/** One walk after another: what came of the last, and how long the next is being waited for. */
export function useWalk() {
  const scope = useScope();
  const [walk, setWalk] = useState<Walk | null>(null);
  const [error, setError] = useState<AwsError | null>(null);
  const [watching, setWatching] = useState<number | null>(null);
  const running = useRef<AbortController>(null);
  const stop = () => {
    running.current?.abort();
    setWatching(null);
  };
  const isWatching = watching !== null;
  useEffect(() => {
    if (!isWatching) return;
    const timer = setInterval(() => {
      setWatching((before) => before && before + TICK_MS / 1000);
    }, TICK_MS);
    return () => {
      clearInterval(timer);
    };
  }, [isWatching]);
  useEffect(() => () => running.current?.abort(), []);

  const start = (question: WalkAsked) => {
    running.current?.abort();
    const ended = new AbortController();
    running.current = ended;
    setError(null);
    setWatching(TICK_MS / 1000);
    read<Walk>(scope, "walk", question, ended.signal).then(
      (found) => {
        setWalk(found);
        setWatching(null);
      },
      (problem: unknown) => {
        if (ended.signal.aborted) return;
        setWatching(null);
        if (!(problem instanceof AwsError)) throw problem;
        setError(problem);
      },
    );
  };
  return { walk, error, watching, start, stop };
}
