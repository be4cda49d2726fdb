/** A walk for tests: two legs of two hops. */

import type { Hop, Walk } from "./answer";

export function hop(step: number, title: string, box: string, more: Partial<Hop> = {}): Hop {
  return {
    step,
    title,
    resource: box,
    box,
    device: "eth0",
    incoming: true,
    after_us: step * 10,
    since_last_us: step === 1 ? null : 10,
    flow: ["192.0.2.1", "203.0.113.4", 6, 40000, 80],
    ttl: 64,
    length: 2,
    mss: null,
    geneve: null,
    verdict: null,
    sentence: "",
    frame_length: 4,
    bytes: "00ff",
    tree: [{ name: "Ethernet", value: "", offset: 0, length: 2, children: [] }],
    ...more,
  };
}

export function walked(more: Partial<Walk> = {}): Walk {
  const leg = { arrived: true, by_passed: false, ended: null };
  return {
    connection: ["192.0.2.1", "203.0.113.4", 6, 40000, 80],
    legs: [
      {
        ...leg,
        name: "request",
        hops: [
          hop(1, "from the internet", "internet"),
          hop(2, "translated", "igw-1"),
          hop(3, "endpoint", "vpc-1"),
          hop(3, "endpoint", "gwlb-1"),
        ],
      },
      { ...leg, name: "reply", hops: [hop(1, "application sends", "i-web"), hop(2, "leaves the VPC", "igw-1")] },
    ],
    appliance: "i-1",
    cookie: 1,
    checks: [{ name: "one cookie", ok: true, sentence: "One flow cookie both ways." }],
    notes: [],
    warnings: [],
    ok: true,
    chosen: null,
    established: false,
    at: 1_700_000_000.5,
    ...more,
  };
}
