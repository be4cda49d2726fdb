/** What the stream said, kept for whoever shows it: a small store outside of React, so that a second's traffic redraws only who looks at it. */

import type { Change, Traffic } from "./stream";

const KEPT = 500;

export interface Feed {
  subscribe: (told: () => void) => () => void;
  traffic: () => Traffic | null;
  changes: () => readonly Change[];
  connected: () => boolean;
  setTraffic: (traffic: Traffic) => void;
  addChange: (change: Change) => void;
  setConnected: (yes: boolean) => void;
  forget: () => void;
}

export function makeFeed(): Feed {
  const listeners = new Set<() => void>();
  let traffic: Traffic | null = null;
  let changes: readonly Change[] = [];
  let connected = false;
  const tell = () => {
    for (const told of listeners) told();
  };
  return {
    subscribe: (told) => {
      listeners.add(told);
      return () => listeners.delete(told);
    },
    traffic: () => traffic,
    changes: () => changes,
    connected: () => connected,
    setTraffic: (next) => {
      traffic = next;
      tell();
    },
    addChange: (change) => {
      changes = [change, ...changes].slice(0, KEPT);
      tell();
    },
    setConnected: (yes) => {
      if (connected === yes) return;
      connected = yes;
      tell();
    },
    forget: () => {
      traffic = null;
      changes = [];
      tell();
    },
  };
}
