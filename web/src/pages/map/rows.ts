/** The map as rows of a table. */

import type { MapNode, NetworkMap } from "../../generated/read-api";
import type { Graph } from "./graph";
import { type EdgeTraffic, packets } from "./traffic";

export interface Row {
  node: MapNode;
  name: string;
  kind: MapNode["kind"];
  state: string;
  zone: string;
  /** Names of what it leads to. */
  leadsTo: string[];
  /** A second, along the busiest of its lines. */
  packets: number;
}

export function listed(map: NetworkMap, graph: Graph, traffic: ReadonlyMap<string, EdgeTraffic>): Row[] {
  const there = new Set(map.nodes.map((node) => node.id));
  return map.nodes.map((node) => {
    const after = (graph.after.get(node.id) ?? []).filter((one) => there.has(one.id));
    const lines = [...after, ...(graph.before.get(node.id) ?? [])].flatMap((one) => traffic.get(one.edge.id) ?? []);
    return {
      node,
      name: node.name,
      kind: node.kind,
      state: node.state,
      zone: node.zone ?? "",
      leadsTo: after.map((one) => graph.nodes.get(one.id)?.name ?? one.id),
      packets: Math.max(0, ...lines.map(packets)),
    };
  });
}
