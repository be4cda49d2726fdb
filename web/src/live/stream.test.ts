import { expect, test, vi } from "vitest";
import { listen } from "./stream";

class FakeSource extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readyState = 1;
  close = vi.fn();
  constructor(readonly url: string) {
    super();
  }
}

function listening() {
  const sources: FakeSource[] = [];
  const listener = { change: vi.fn(), traffic: vi.fn(), reset: vi.fn(), connected: vi.fn() };
  const stop = listen("1", listener, (url) => {
    const source = new FakeSource(url);
    sources.push(source);
    return source as unknown as EventSource;
  });
  return { sources, listener, stop };
}

test("after an error answer it goes on after the last revision that was seen", () => {
  vi.useFakeTimers();
  const { sources, listener, stop } = listening();
  const change = { revision: 7, kind: "Vpc", id: "vpc-1" };
  sources[0]?.dispatchEvent(new MessageEvent("change", { data: JSON.stringify(change), lastEventId: "7" }));
  expect(listener.change).toHaveBeenCalledWith(change);
  const broken = sources[0];
  if (broken) broken.readyState = EventSource_CLOSED;
  broken?.onerror?.();
  expect(listener.connected).toHaveBeenLastCalledWith(false);
  vi.advanceTimersByTime(1500);
  expect(sources[1]?.url).toContain("since=7");
  stop();
  expect(sources[1]?.close).toHaveBeenCalled();
  vi.useRealTimers();
});

test("what was asked for before the first connection is asked anew, and after a break only what is told", () => {
  const { sources, listener, stop } = listening();
  sources[0]?.onopen?.();
  expect(listener.reset).toHaveBeenCalledTimes(1);
  sources[0]?.dispatchEvent(new MessageEvent("change", { data: "{}", lastEventId: "7" }));
  sources[0]?.onopen?.();
  expect(listener.reset).toHaveBeenCalledTimes(1);
  stop();
});

test("a reset makes everything be asked anew, and goes on from there", () => {
  const { sources, listener, stop } = listening();
  sources[0]?.dispatchEvent(new MessageEvent("reset", { data: "90" }));
  expect(listener.reset).toHaveBeenCalled();
  stop();
});

const EventSource_CLOSED = 2;
vi.stubGlobal("EventSource", { CLOSED: EventSource_CLOSED });
