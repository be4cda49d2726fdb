import { expect, test } from "vitest";
import { ends, frames, stations, stepped } from "./film";
import { walked } from "./testing";

test("every hop is a frame, and only a step's first has its title", () => {
  expect(frames(walked()).map((frame) => frame.begins)).toEqual([true, true, true, false, true, true]);
});

test("stations stand in the order of the request, each once", () => {
  expect(stations(walked()).map((one) => one.kind)).toEqual([
    "internet",
    "internet-gateway",
    "vpc",
    "load-balancer",
    "instance",
  ]);
});

test("arrow keys stop at the ends", () => {
  expect([stepped("ArrowRight", 4, 5), stepped("ArrowLeft", 0, 5), stepped("End", 0, 5), stepped("x", 2, 5)]).toEqual([
    4,
    0,
    4,
    null,
  ]);
});

test("an IPv6 address is bracketed, and what has no ports shows none", () => {
  expect(ends(["2001:db8::1", "2001:db8::2", 6, 1, 80])).toBe("[2001:db8::1]:1 → [2001:db8::2]:80");
  expect(ends(["10.0.0.1", "10.0.0.2", 1, 0, 0])).toBe("10.0.0.1 → 10.0.0.2");
});
