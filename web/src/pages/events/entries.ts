/** Events as sentences: what the store and the programs said, each with its key, weight and link. */

import { loadBalancerPath, targetGroupPath } from "../../common/paths";
import type { Notice } from "../../live/feed";
import type { Change } from "../../live/stream";

export type Weight = "error" | "warning" | "success" | "info";

export interface Entry {
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  /** As the store calls it; `Drops` and `Flows` of packets. */
  kind: string;
  weight: Weight;
  /** A key of `events:say`, with what fills it. */
  say: string;
  values: Record<string, string | number>;
  /** The resource's page; null where it has none. */
  page: string | null;
}

const PAGES: Record<string, string> = {
  Vpc: "vpcs",
  Subnet: "subnets",
  InternetGateway: "internet-gateways",
  RouteTable: "route-tables",
  SecurityGroup: "security-groups",
  Instance: "instances",
  VpcEndpoint: "endpoints",
  InterfaceEndpoint: "endpoints",
  EndpointService: "endpoint-services",
};

const WEIGHTS: Record<string, Weight> = {
  healthy: "success",
  available: "success",
  active: "success",
  running: "success",
  unhealthy: "error",
  failed: "error",
  unavailable: "error",
  rejected: "error",
  draining: "warning",
  active_impaired: "warning",
  pendingAcceptance: "warning",
  "shutting-down": "warning",
  terminated: "warning",
};

export function ofChange(change: Change): Entry {
  const gone = change.event === "deleted";
  const isTarget = change.kind === "Target";
  const target = change.id.split("|").at(-1) ?? change.id;
  const name = isTarget ? target : (change.id.split("/").at(-2) ?? change.id);
  return {
    id: `change ${String(change.revision)} ${change.kind} ${change.id}`,
    at: change.at * 1000,
    kind: change.kind,
    weight: gone ? (isTarget ? "warning" : "info") : (WEIGHTS[change.state ?? ""] ?? "info"),
    say: sentence(change, gone),
    values: {
      kind: change.kind,
      name,
      state: change.state ?? "",
      reason: change.description ?? "",
    },
    page: gone && !isTarget ? null : pageOf(change),
  };
}

function sentence(change: Change, gone: boolean): string {
  if (change.kind === "Target") {
    if (gone) return "targetGone";
    if (change.state === "unhealthy" || change.state === "unavailable") return "targetLost";
    return change.state === "healthy" ? "targetHealthy" : "targetState";
  }
  if (gone) return "deleted";
  return change.state === null ? "written" : "state";
}

function pageOf({ kind, id }: Change): string | null {
  if (kind === "Target") return targetGroupPath(id.split("|")[0] ?? id);
  if (kind === "TargetGroup") return targetGroupPath(id);
  if (kind === "LoadBalancer") return loadBalancerPath(id);
  const folder = PAGES[kind];
  return folder === undefined ? null : `/${folder}/${id}`;
}

export function ofNotice(notice: Notice): Entry {
  const at = notice.at * 1000;
  if ("drops" in notice) {
    const { where, verdict, meaning, packets, box } = notice.drops;
    return {
      id: `drops ${String(at)} ${where} ${box} ${verdict}`,
      at,
      kind: "Drops",
      weight: "warning",
      say: "drops",
      values: { where, verdict, meaning, packets: Math.round(packets) },
      page: "/drops",
    };
  }
  const { load_balancer: balancer, zone, flows } = notice.moved;
  return {
    id: `moved ${String(at)} ${balancer} ${zone}`,
    at,
    kind: "Flows",
    weight: "warning",
    say: "moved",
    values: { name: balancer.split("/").at(-2) ?? balancer, zone, count: flows },
    page: loadBalancerPath(balancer),
  };
}

/** All together, the newest first, each once: the stream and the history overlap. */
export function merged(...lists: readonly (readonly Entry[])[]): Entry[] {
  const found = new Map(lists.flat().map((entry) => [entry.id, entry]));
  return [...found.values()].sort((a, b) => b.at - a.at || b.id.localeCompare(a.id));
}

export interface Said {
  entry: Entry;
  text: string;
}

export function filtered(said: readonly Said[], kind: string, text: string): Said[] {
  const wanted = text.toLowerCase();
  return said.filter(
    (one) =>
      (kind === "" || one.entry.kind === kind) &&
      (one.text.toLowerCase().includes(wanted) || one.entry.id.toLowerCase().includes(wanted)),
  );
}
