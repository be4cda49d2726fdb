import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { useScope } from "../session/scope";
import { type Feed, makeFeed, type Notice } from "./feed";
import { isStale, staleAfter } from "./invalidation";
import { type Change, listen, type Traffic } from "./stream";

const FeedContext = createContext<Feed | null>(null);

/** Many changes that come together are one round of questions. */
const TOGETHER_MS = 250;

export function LiveProvider({ children }: { children: ReactNode }) {
  const { account } = useScope();
  const queries = useQueryClient();
  const [feed] = useState(makeFeed);

  useEffect(() => {
    const kinds = new Set<string>();
    let pending: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      pending = undefined;
      const names = staleAfter(kinds);
      kinds.clear();
      void queries.invalidateQueries({ predicate: (query) => isStale(query.queryKey, names) });
    };
    const stop = listen(account, {
      change: (change) => {
        feed.addChange(change);
        kinds.add(change.kind);
        pending ??= setTimeout(ask, TOGETHER_MS);
      },
      traffic: feed.setTraffic,
      drop: (drops) => {
        feed.addNotice({ at: drops.at, drops });
      },
      reset: () => void queries.invalidateQueries(),
      connected: feed.setConnected,
    });
    return () => {
      clearTimeout(pending);
      stop();
      feed.forget();
    };
  }, [account, feed, queries]);

  return <FeedContext value={feed}>{children}</FeedContext>;
}

function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("This belongs inside LiveProvider.");
  return feed;
}

/** The last second's traffic; null before the first. */
export function useTraffic(): Traffic | null {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, feed.traffic);
}

/** The newest changes first. */
export function useChanges(): readonly Change[] {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, feed.changes);
}

/** Drops that began and flows that moved, the newest first. */
export function useNotices(): readonly Notice[] {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, feed.notices);
}

export function useConnected(): boolean {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, feed.connected);
}
