/** A value outside of React's tree: only who selects what changed is drawn again. */

import { createContext, useContext, useSyncExternalStore } from "react";
import type { Chain } from "./graph";
import type { EdgeTraffic } from "./traffic";

export interface Store<T> {
  get: () => T;
  set: (value: T) => void;
  subscribe: (told: () => void) => () => void;
}

export function makeStore<T>(first: T): Store<T> {
  const listeners = new Set<() => void>();
  let value = first;
  return {
    get: () => value,
    set: (next) => {
      if (next === value) return;
      value = next;
      for (const told of listeners) told();
    },
    subscribe: (told) => {
      listeners.add(told);
      return () => listeners.delete(told);
    },
  };
}

/** What one map shows at this moment: which chain is lit, and what flows where. */
export interface Shown {
  lit: Store<Chain | null>;
  traffic: Store<ReadonlyMap<string, EdgeTraffic>>;
}

export const makeShown = (): Shown => ({
  lit: makeStore<Chain | null>(null),
  traffic: makeStore<ReadonlyMap<string, EdgeTraffic>>(new Map()),
});

export const ShownContext = createContext<Shown | null>(null);

export function useShown(): Shown {
  const shown = useContext(ShownContext);
  if (!shown) throw new Error("This belongs inside the map.");
  return shown;
}

export function useLit(kind: keyof Chain, id: string): boolean {
  const { lit } = useShown();
  return useSyncExternalStore(lit.subscribe, () => lit.get()?.[kind].has(id) ?? false);
}

export function useEdgeTraffic(id: string): EdgeTraffic | undefined {
  const { traffic } = useShown();
  return useSyncExternalStore(traffic.subscribe, () => traffic.get().get(id));
}
