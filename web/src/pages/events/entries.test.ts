import { expect, test } from "vitest";
import type { Change } from "../../live/stream";
import { filtered, merged, ofChange, ofNotice } from "./entries";

const change = (more: Partial<Change>): Change => ({
  revision: 1,
  at: 10,
  kind: "Target",
  id: "arn:aws:elasticloadbalancing:r:1:targetgroup/fw/9a|i-1",
  event: "written",
  state: "unhealthy",
  description: "Health checks failed",
  ...more,
});

test("a target that failed is a loss, said with AWS's reason, and leads to its group", () => {
  const entry = ofChange(change({}));
  expect(entry).toMatchObject({
    say: "targetLost",
    weight: "error",
    values: { name: "i-1", reason: "Health checks failed" },
  });
  expect(entry.page).toContain("/target-groups/");
});

test("what is gone leads nowhere; what has no state was changed", () => {
  expect(ofChange(change({ kind: "Vpc", id: "vpc-1", event: "deleted", state: null }))).toMatchObject({
    say: "deleted",
    page: null,
  });
  expect(ofChange(change({ kind: "RouteTable", id: "rtb-1", state: null }))).toMatchObject({
    say: "written",
    page: "/route-tables/rtb-1",
  });
});

test("drops and moved flows are events too", () => {
  const drops = { at: 5, where: "vpce-1", box: "b", verdict: "no_targets", meaning: "No target.", packets: 3.6 };
  expect(ofNotice({ at: 5, drops })).toMatchObject({ say: "drops", values: { packets: 4 }, page: "/drops" });
  const moved = { load_balancer: "arn:aws:elasticloadbalancing:r:1:loadbalancer/gwy/lb/1", zone: "a", flows: 9 };
  expect(ofNotice({ at: 5, moved })).toMatchObject({ say: "moved", values: { name: "lb", count: 9 } });
});

test("history and stream are one list, the newest first, nothing twice", () => {
  const [old, young] = [ofChange(change({ at: 1 })), ofChange(change({ at: 2, revision: 2 }))];
  expect(merged([old], [young, old])).toEqual([young, old]);
});

test("a filter looks at the sentence and at the id", () => {
  const said = [
    { entry: ofChange(change({})), text: "lost" },
    { entry: ofChange(change({ kind: "Vpc", id: "vpc-9" })), text: "made" },
  ];
  expect(filtered(said, "", "VPC-9").map((one) => one.text)).toEqual(["made"]);
  expect(filtered(said, "Target", "").map((one) => one.text)).toEqual(["lost"]);
});
