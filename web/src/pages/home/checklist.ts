/** The five steps of setting up a GWLB, and which of them are done, as the network itself shows it. */

import type { MapNode, NetworkMap } from "../../generated/read-api";

export const STEPS = ["marketplace", "appliances", "balancer", "endpoints", "routes"] as const;
export type Step = (typeof STEPS)[number];

/** Where each step is done. */
export const PLACES: Record<Step, string> = {
  marketplace: "/marketplace",
  appliances: "/instances/launch",
  balancer: "/load-balancers/create",
  endpoints: "/endpoint-services",
  routes: "/route-tables",
};

export interface Known {
  /** What each signed-in account sees: provider and consumer may be two. */
  maps: readonly NetworkMap[];
  /** Images that are appliances. */
  appliances: ReadonlySet<string>;
  /** Whether a marketplace product's terms were accepted. */
  accepted: boolean;
}

export function done({ maps, appliances, accepted }: Known): ReadonlySet<Step> {
  const nodes = maps.flatMap((map) => map.nodes);
  const edges = maps.flatMap((map) => map.edges);
  const ofKind = (kind: MapNode["kind"]) => nodes.filter((node) => node.kind === kind);
  const instances = ofKind("instance").filter((node) => appliances.has(node.detail.image ?? ""));
  const forwards = edges.some((edge) => edge.kind === "forwards");
  const endpoints = new Set(
    ofKind("endpoint")
      .filter((node) => node.state === "available")
      .map((node) => node.id),
  );
  const leading = new Set(
    edges
      .filter((edge) => edge.kind === "routes" && edge.state === "ok" && endpoints.has(edge.target))
      .map((edge) => edge.source),
  );
  const tables = ofKind("route-table").filter((node) => leading.has(node.id));
  const atGateway = (node: MapNode) => (node.detail.associations ?? []).some((id) => id.startsWith("igw-"));
  const checks: Record<Step, boolean> = {
    marketplace: accepted || instances.length > 0,
    appliances: instances.some((node) => node.state === "running"),
    balancer: forwards && ofKind("target").some((node) => node.healthy === true),
    endpoints: endpoints.size > 0,
    routes: tables.some(atGateway) && tables.some((node) => !atGateway(node)),
  };
  return new Set(STEPS.filter((step) => checks[step]));
}
