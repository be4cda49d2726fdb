/** The server's event stream (SSE): changes of the store by revision, and each second the traffic of all ports. */

import { READ } from "../api/read";
import type { DropsBegan, Traffic } from "../generated/read-api";

export type { PortTraffic, Traffic } from "../generated/read-api";

export interface Change {
  revision: number;
  at: number;
  kind: string;
  id: string;
  event: "written" | "deleted";
  state: string | null;
  reason?: string;
  description?: string;
}

export interface Listener {
  change: (change: Change) => void;
  traffic: (traffic: Traffic) => void;
  drop?: (began: DropsBegan) => void;
  /** What came between cannot be told any more: ask for everything anew. */
  reset: () => void;
  connected: (yes: boolean) => void;
}

const RETRY_MS = 1000;

/** Listens until the returned function is called. After a break it goes on after the last revision that was seen. */
export function listen(
  account: string,
  listener: Listener,
  open: (url: string) => EventSource = (url) => new EventSource(url),
): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let last: string | null = null;

  const connect = () => {
    const query = new URLSearchParams({ account });
    if (last !== null) query.set("since", last);
    const current = open(`${READ}/stream?${query.toString()}`);
    source = current;
    current.onopen = () => {
      listener.connected(true);
      // From now on, that is: what was asked for before may have changed since.
      if (last === null) listener.reset();
    };
    current.addEventListener("change", (event) => {
      last = event.lastEventId;
      listener.change(JSON.parse(event.data as string) as Change);
    });
    current.addEventListener("traffic", (event) => {
      listener.traffic(JSON.parse(event.data as string) as Traffic);
    });
    current.addEventListener("drop", (event) => {
      listener.drop?.(JSON.parse(event.data as string) as DropsBegan);
    });
    current.addEventListener("reset", (event) => {
      last = String(event.data);
      listener.reset();
    });
    current.onerror = () => {
      listener.connected(false);
      // The browser itself tries again after a broken connection, but not after an answer that was an error.
      if (current.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(connect, RETRY_MS);
      }
    };
  };
  connect();
  return () => {
    clearTimeout(retry);
    source?.close();
  };
}
