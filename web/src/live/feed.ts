/** What the stream said, kept for whoever shows it: a small store outside of React, so that a second's traffic redraws only who looks at it. */

import type { DropsBegan, FlowsMoved } from "../generated/read-api";
import type { Change, Traffic } from "./stream";

/** What happened to packets, which no revision of the store has. */
export type Notice = { at: number; drops: DropsBegan } | { at: number; moved: FlowsMoved };

const KEPT = 500;

export interface Feed {
  subscribe: (told: () => void) => () => void;
  traffic: () => Traffic | null;
  changes: () => readonly Change[];
  notices: () => readonly Notice[];
  connected: () => boolean;
  setTraffic: (traffic: Traffic) => void;
  addChange: (change: Change) => void;
  addNotice: (notice: Notice) => void;
  setConnected: (yes: boolean) => void;
  forget: () => void;
}

export function makeFeed(): Feed {
  const listeners = new Set<() => void>();
  let traffic: Traffic | null = null;
  let changes: readonly Change[] = [];
  let notices: readonly Notice[] = [];
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
    notices: () => notices,
    connected: () => connected,
    setTraffic: (next) => {
      traffic = next;
      const moved = (next.moved ?? []).map((one): Notice => ({ at: next.at, moved: one }));
      if (moved.length > 0) notices = [...moved, ...notices].slice(0, KEPT);
      tell();
    },
    addNotice: (notice) => {
      notices = [notice, ...notices].slice(0, KEPT);
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
      notices = [];
      tell();
    },
  };
}
