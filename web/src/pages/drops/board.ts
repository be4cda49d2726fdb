/** The board's rows: what ended packets, what is ending some now first, and what never did. */

import type { DroppedPacket, DropsAnswer } from "../../generated/read-api";
import { keyOf } from "./history";

export interface Line {
  /** As `history.keyOf` says it for places; the verdict's name where nothing was dropped. */
  key: string;
  verdict: string;
  meaning: string;
  packets: number;
  /** Packets a second. */
  rate: number;
  /** Null for a verdict that ended nothing. */
  where: string | null;
  box: string | null;
  device: string | null;
  last: readonly DroppedPacket[];
}

export function linesOf({ drops, verdicts }: DropsAnswer, withIdle: boolean): Line[] {
  const lines = drops.map((row): Line => ({
    ...row,
    key: `${keyOf(row.where, row.box, row.verdict)}|${row.device ?? ""}`,
    rate: row.rate ?? 0,
  }));
  lines.sort((a, b) => b.rate - a.rate || b.packets - a.packets);
  if (!withIdle) return lines;
  const dropped = new Set(drops.map((row) => row.verdict));
  const nowhere = { packets: 0, rate: 0, where: null, box: null, device: null, last: [] };
  const idle = verdicts.filter(({ verdict }) => !dropped.has(verdict));
  return [...lines, ...idle.map((one): Line => ({ ...one, ...nowhere, key: one.verdict }))];
}

/** Every word of `text` is somewhere in the line. */
export function filtered(lines: readonly Line[], text: string): Line[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter((line) => {
    const said = [line.verdict, line.meaning, line.where, line.box, ...line.last.map(({ packet }) => packet)];
    const all = said.join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

const FOLDERS: Record<string, string> = {
  vpce: "endpoints",
  igw: "internet-gateways",
  i: "instances",
  vpc: "vpcs",
};

/** The page of the resource at which packets ended; null where it has none. */
export function pageOf(where: string): string | null {
  const folder = FOLDERS[where.split("-")[0] ?? ""];
  return folder === undefined ? null : `/${folder}/${where}`;
}

const PROTOCOLS: Record<string, string> = { icmp: "1", tcp: "6", udp: "17", icmpv6: "58" };
const PACKET = /^(icmp|tcp|udp|icmpv6) (\S+) > (\S+)/;

/**
 * Which page can say why: at an interface or a gateway the reachability of what was dropped last, at an endpoint the walk.
 *
 * Null where neither is asked: a port of the load balancer's or the box's own.
 */
export function whyOf({ where, last }: Line): { page: "reach" | "walk"; to: string } | null {
  if (where === null) return null;
  if (where.startsWith("vpce-")) return { page: "walk", to: `/walk?endpoint=${where}` };
  if (!/^(eni|igw|i)-/.test(where)) return null;
  const query = new URLSearchParams({ source: where });
  const [, protocol = "", source = "", destination = ""] = PACKET.exec(last[0]?.packet ?? "") ?? [];
  if (destination !== "") {
    const [address, port] = sideOf(destination);
    query.set("destination", address);
    query.set("protocol", PROTOCOLS[protocol] ?? "");
    if (port !== "") query.set("destination_port", port);
    query.set("source_address", sideOf(source)[0]);
  }
  return { page: "reach", to: `/reachability?${query.toString()}` };
}

/** Address and port of `10.0.0.1:80`, `[fd00::1]:80` and of addresses alone. */
function sideOf(text: string): [address: string, port: string] {
  const [, six, port = ""] = /^\[(.*)\]:(\d+)$/.exec(text) ?? [];
  if (six !== undefined) return [six, port];
  const [address = text, four = "", ...more] = text.split(":");
  return more.length > 0 ? [text, ""] : [address, four];
}
