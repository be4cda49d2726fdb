import { expect, test } from "vitest";
import { graphOf } from "./graph";
import { listed } from "./rows";
import { inspected } from "./testing";

test("a row says what its node leads to, and how much flows along its busiest line", () => {
  const map = inspected();
  const flows = (rate: number) => ({ forward: rate, backward: 0, bytes: 0, drops: 0 });
  const traffic = new Map([
    ["serves:vpce-1>vpce-svc-1", flows(5)],
    ["routes:rtb-app>vpce-1", flows(9)],
  ]);
  const row = listed(map, graphOf(map), traffic).find((one) => one.node.id === "vpce-1");
  expect(row?.leadsTo).toEqual(["vpce-svc-1"]);
  expect(row?.packets).toBe(9);
});
