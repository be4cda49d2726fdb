import { useEffect, useRef, useState } from "react";
import { respond } from "../../api/http";
import { READ } from "../../api/read";
import { useScope } from "../../session/scope";
import { readBody, readLines } from "./lines";
import { type Seen, watchFlows } from "./watch";

/** As many as one looks through; the newest of more. */
export const LIMIT = 100_000;

const NOTHING: Seen = { flows: [], total: 0, at: 0, error: null };

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((go, stop) => {
    const timer = setTimeout(go, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      stop(new DOMException("stopped", "AbortError"));
    });
  });
}

/** Live flows that the filter (as the server takes it) lets through; while not `following` the list stands still. */
export function useFlows(filter: string, following: boolean): Seen {
  const scope = useScope();
  const [seen, setSeen] = useState<Seen>(NOTHING);
  const listed = useRef<string>(null);
  useEffect(() => {
    // Pausing keeps what is on the screen; another filter lists once.
    if (!following && listed.current === filter) return;
    const stop = new AbortController();
    const source = {
      now: Date.now,
      wait,
      ask: async (since: number | null, signal: AbortSignal) => {
        const query = new URLSearchParams({ limit: String(LIMIT) });
        if (filter !== "") query.set("filter", filter);
        if (since !== null) query.set("since", String(since));
        const { body } = await respond(`${READ}/flows?${query.toString()}`, { scope, signal });
        const lines = readLines();
        if (body) await readBody(body, lines.take);
        return lines.answer();
      },
    };
    void watchFlows(source, { following, limit: LIMIT, signal: stop.signal }, (change) => {
      if (stop.signal.aborted) return;
      listed.current = filter;
      setSeen(change);
    });
    return () => {
      stop.abort();
    };
  }, [scope, filter, following]);
  return seen;
}
