/** The walk as a film: one frame for each hop, both legs one after the other. */

import type { Hop, Leg, Walk } from "./answer";

export interface Frame {
  leg: Leg;
  hop: Hop;
  /** Whether it is the first of its step: that one shows the step's title. */
  begins: boolean;
}

export function frames(walk: Walk): Frame[] {
  return walk.legs.flatMap((leg) =>
    leg.hops.map((hop, at) => ({ leg, hop, begins: leg.hops[at - 1]?.step !== hop.step })),
  );
}

/** The frame that an arrow key leads to; null for other keys. */
export function stepped(key: string, at: number, count: number): number | null {
  if (key === "ArrowRight" || key === "ArrowDown") return Math.min(count - 1, at + 1);
  if (key === "ArrowLeft" || key === "ArrowUp") return Math.max(0, at - 1);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

export type StationKind = "internet" | "internet-gateway" | "vpc" | "load-balancer" | "instance";

export interface Station {
  box: string;
  kind: StationKind;
}

/** The boxes on the way, in the order in which the request meets them. */
export function stations(walk: Walk): Station[] {
  const boxes = new Set(walk.legs.flatMap((leg) => leg.hops.map((hop) => hop.box)));
  return [...boxes].map((box) => ({ box, kind: kindOf(box) }));
}

function kindOf(box: string): StationKind {
  if (box.startsWith("igw-")) return "internet-gateway";
  if (box.startsWith("gwlb-")) return "load-balancer";
  if (box.startsWith("vpc-")) return "vpc";
  return box === "internet" ? "internet" : "instance";
}

/** `tcp 192.0.2.1:40000 → 203.0.113.4:80` without the protocol. */
export function ends([source, destination, protocol, from, to]: Hop["flow"]): string {
  if (protocol !== 6 && protocol !== 17) return `${source} → ${destination}`;
  const end = (address: string, port: number) =>
    address.includes(":") ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
  return `${end(source, from)} → ${end(destination, to)}`;
}
