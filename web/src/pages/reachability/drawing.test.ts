import { expect, test } from "vitest";
import type { Reach, Step } from "../../generated/read-api";
import { chains, symmetryOf } from "./drawing";

const step = (at: string, decision: string, more: Partial<Step> = {}): Step => ({
  at,
  decision,
  sentence: "",
  packet: "",
  blocked: false,
  route_table: null,
  to: null,
  target: null,
  address: null,
  zone: null,
  chosen: null,
  cookie: null,
  ...more,
});

const met = (zone: string) => ({ target: `i-${zone}`, address: "10.0.0.9", zone, endpoint: "vpce-1", cookie: "0x1" });

function answer(more: Partial<Reach> = {}): Reach {
  return {
    by: "programs",
    forward: {
      arrives: true,
      steps: [step("igw-1", "igw_in"), step("vpce-1", "encapsulated"), step("i-1", "delivered")],
    },
    back: { arrives: true, steps: [step("eni-1", "eni_forwarded"), step("igw-1", "igw_out")] },
    blocked: null,
    appliances: { forward: met("a"), back: met("a") },
    symmetric: true,
    by_passes: false,
    sentence: "",
    ...more,
  };
}

test("each direction is a chain; an endpoint stands out, and every box has its kind's picture", () => {
  const [forward, back] = chains(answer());
  expect(forward?.boxes.map((box) => [box.kind, box.look])).toEqual([
    ["internet-gateway", "passage"],
    ["endpoint", "appliance"],
    ["instance", "passage"],
  ]);
  expect(back?.direction).toBe("back");
});

test("what came nowhere has no way back, and its last box is where it ends", () => {
  const steps = [step("igw-1", "igw_in"), step("eni-1", "group_refused", { blocked: true })];
  const drawn = chains(answer({ forward: { arrives: false, steps }, back: null }));
  expect(drawn).toHaveLength(1);
  expect(drawn[0]?.boxes.at(-1)?.look).toBe("blocked");
});

test("the appliance that returns a packet is drawn as an appliance", () => {
  const steps = [step("i-1", "returned")];
  expect(chains(answer({ forward: { arrives: true, steps } }))[0]?.boxes[0]?.kind).toBe("target");
});

test("symmetry is told from what both directions met", () => {
  expect(symmetryOf(answer())).toBe("symmetric");
  expect(symmetryOf(answer({ symmetric: false }))).toBe("asymmetric");
  expect(symmetryOf(answer({ symmetric: false, appliances: { forward: met("a"), back: met("b") } }))).toBe("otherZone");
  expect(symmetryOf(answer({ symmetric: false, by_passes: true }))).toBe("halfBypass");
  expect(symmetryOf(answer({ symmetric: null, by_passes: true }))).toBe("bypass");
  expect(symmetryOf(answer({ symmetric: null }))).toBe("unknown");
});

test("a request that by-passed and whose answer is lost by-passed in one direction", () => {
  const back = { arrives: false, steps: [] };
  expect(symmetryOf(answer({ symmetric: null, by_passes: true, back }))).toBe("halfBypass");
});
