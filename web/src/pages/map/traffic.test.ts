import { expect, test } from "vitest";
import type { PortTraffic } from "../../live/stream";
import { edge } from "./testing";
import { mixOf, trafficOf, widthOf } from "./traffic";

const port = (where: string, box: string, packets: number, verdicts: Record<string, number> = {}): PortTraffic => ({
  where,
  box,
  packets,
  bytes: packets * 100,
  verdicts,
});
const second = (...ports: PortTraffic[]) => ({ at: 1, over_s: 1, moved: [], ports });

test("what enters the load balancer by an endpoint goes right, what leaves it goes left", () => {
  const serves = edge("serves", "vpce-1", "vpce-svc-1", { ports: ["vpce-1"] });
  const found = trafficOf([serves], second(port("vpce-1", "gwlb-9", 30), port("vpce-1", "vpc-1", 20)));
  expect(found.get(serves.id)).toEqual({ forward: 30, backward: 20, bytes: 5000, drops: 0 });
});

test("a node's own ports are the other way round: its VPC is toward the targets", () => {
  const forwards = edge("forwards", "lb", "tg", { ports: ["eni-n"] });
  expect(trafficOf([forwards], second(port("eni-n", "vpc-2", 7))).get(forwards.id)?.forward).toBe(7);
  const registered = edge("registered", "tg", "tg|i-1", { ports: ["eni-1"] });
  expect(trafficOf([registered], second(port("eni-1", "i-1", 7))).get(registered.id)?.forward).toBe(7);
});

test("from the internet, packets go out of the gateway to its table", () => {
  const associated = edge("associated", "igw-1", "rtb-1", { ports: ["igw-1"] });
  const routes = edge("routes", "rtb-2", "igw-1", { ports: ["igw-1"] });
  const found = trafficOf([associated, routes], second(port("igw-1", "vpc-1", 5)));
  expect(found.get(associated.id)?.forward).toBe(5);
  expect(found.get(routes.id)?.backward).toBe(5);
});

test("a line without traffic has none, and no stream is no traffic", () => {
  expect(trafficOf([edge("serves", "a", "b", { ports: ["vpce-1"] })], second()).size).toBe(0);
  expect(trafficOf([], null).size).toBe(0);
});

test("the colour says how much of it is dropped", () => {
  const mix = (drops: number) => mixOf({ forward: 10, backward: 0, bytes: 0, drops });
  expect([mix(0), mix(1), mix(5)]).toEqual(["good", "mixed", "bad"]);
  const routes = edge("routes", "rtb", "vpce-1", { ports: ["vpce-1"] });
  const dropped = port("vpce-1", "gwlb-1", 10, { encapsulated: 4, no_targets: 6 });
  expect(trafficOf([routes], second(dropped)).get(routes.id)?.drops).toBe(6);
});

test("ten times the packets are two pixels more, to a limit", () => {
  expect([widthOf(1), widthOf(10), widthOf(1000), widthOf(1e9)]).toEqual([2, 4, 8, 12]);
});
