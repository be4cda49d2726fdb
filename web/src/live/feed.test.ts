import { expect, test, vi } from "vitest";
import { makeFeed } from "./feed";

test("flows that moved are kept after the second in which they did", () => {
  const feed = makeFeed();
  const told = vi.fn();
  feed.subscribe(told);
  const moved = { load_balancer: "lb", zone: "a", flows: 3 };
  feed.setTraffic({ at: 7, over_s: 1, ports: [], moved: [moved] });
  feed.setTraffic({ at: 8, over_s: 1, ports: [], moved: [] });
  expect(feed.notices()).toEqual([{ at: 7, moved }]);
  expect(told).toHaveBeenCalledTimes(2);
});

test("another account's notices are forgotten", () => {
  const feed = makeFeed();
  feed.setTraffic({ at: 7, over_s: 1, ports: [], moved: [{ load_balancer: "lb", zone: "a", flows: 3 }] });
  feed.forget();
  expect(feed.notices()).toEqual([]);
});
