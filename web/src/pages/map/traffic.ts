/** A second's traffic along the map's lines. */

import { isDrop } from "../../common/verdicts";
import type { MapEdge } from "../../generated/read-api";
import type { Traffic } from "../../live/stream";

export interface EdgeTraffic {
  /** Packets a second from left to right, and back. */
  forward: number;
  backward: number;
  bytes: number;
  /** Packets a second that ended here. */
  drops: number;
}

export type Mix = "good" | "mixed" | "bad";

/** Which end of a line a box is: a port's traffic is what came in there. */
function isForward(edge: MapEdge, box: string): boolean {
  const intoVpc = box.startsWith("vpc-");
  // A load balancer's node gives packets to its VPC, and an internet gateway likewise; elsewhere the VPC is on the left.
  return edge.kind === "forwards" || edge.kind === "associated" ? intoVpc : !intoVpc;
}

/** Edge id -> its traffic; only of those that have any. */
export function trafficOf(edges: readonly MapEdge[], traffic: Traffic | null): ReadonlyMap<string, EdgeTraffic> {
  const found = new Map<string, EdgeTraffic>();
  if (!traffic) return found;
  const byPort = new Map<string, Traffic["ports"]>();
  for (const port of traffic.ports) byPort.set(port.where, [...(byPort.get(port.where) ?? []), port]);
  for (const edge of edges) {
    const sum: EdgeTraffic = { forward: 0, backward: 0, bytes: 0, drops: 0 };
    for (const where of edge.ports) {
      for (const port of byPort.get(where) ?? []) {
        sum[isForward(edge, port.box) ? "forward" : "backward"] += port.packets;
        sum.bytes += port.bytes;
        for (const [verdict, rate] of Object.entries(port.verdicts)) if (isDrop(verdict)) sum.drops += rate;
      }
    }
    if (sum.forward + sum.backward > 0) found.set(edge.id, sum);
  }
  return found;
}

export const packets = (one: EdgeTraffic): number => one.forward + one.backward;

/** Pixels: 2 for a packet a second, 2 more for each power of ten, 12 at most. */
export function widthOf(packetsPerSecond: number): number {
  return Math.min(12, 2 + 2 * Math.log10(Math.max(1, packetsPerSecond)));
}

export function mixOf(one: EdgeTraffic): Mix {
  if (one.drops === 0) return "good";
  return one.drops * 2 >= packets(one) ? "bad" : "mixed";
}
