import { expect, test } from "vitest";
import { KEPT, keyOf, pointsOf, ratesOf, type Second, withSecond } from "./history";

const second = (at: number, verdicts: Record<string, number>) => ({
  at,
  over_s: 1,
  moved: [],
  ports: [{ where: "vpce-1", box: "gwlb-1", packets: 9, bytes: 900, verdicts }],
});

test("a second keeps what was dropped and not what went on", () => {
  const seconds = withSecond(withSecond([], second(1, { encapsulated: 5, no_targets: 4 })), second(2, {}));
  expect(ratesOf(seconds, keyOf("vpce-1", "gwlb-1", "no_targets"))).toEqual([4, 0]);
  expect(ratesOf(seconds, keyOf("vpce-1", "gwlb-1", "encapsulated"))).toEqual([0, 0]);
});

test("no more seconds are kept than a line shows", () => {
  let seconds: readonly Second[] = [];
  for (let at = 0; at < KEPT + 5; at += 1) seconds = withSecond(seconds, second(at, {}));
  expect([seconds.length, seconds[0]?.at]).toEqual([KEPT, 5]);
});

test("a line ends at the right, and its highest rate is at the top", () => {
  expect(pointsOf([0, 8], 179, 10)).toBe("178.0,10.0 179.0,0.0");
  expect(pointsOf([0], 179, 10)).toBe("179.0,10.0");
});
