/** Which part of the map is shown. */

import type { MapNode, NetworkMap } from "../../generated/read-api";
import { chainOfAll, type Graph } from "./graph";

export interface Choice {
  /** A VPC's id; empty for all. */
  vpc: string;
  /** Part of a name, id, zone or address; empty for all. */
  text: string;
  onlyUnhealthy: boolean;
}

export const ALL: Choice = { vpc: "", text: "", onlyUnhealthy: false };

/** The nodes that match with all that hangs on them; every condition narrows what is left. */
export function chosen(map: NetworkMap, graph: Graph, choice: Choice): NetworkMap {
  const parts = [
    ...(choice.vpc === "" ? [] : [map.nodes.filter((node) => node.vpc === choice.vpc)]),
    ...(choice.text === "" ? [] : [map.nodes.filter((node) => says(node, choice.text.toLowerCase()))]),
    ...(choice.onlyUnhealthy ? [unhealthy(map)] : []),
  ].map(
    (seeds) =>
      chainOfAll(
        graph,
        seeds.map((node) => node.id),
      ).nodes,
  );
  if (parts.length === 0) return map;
  const nodes = map.nodes.filter((node) => parts.every((part) => part.has(node.id)));
  const there = new Set(nodes.map((node) => node.id));
  const edges = map.edges.filter((edge) => there.has(edge.source) && there.has(edge.target));
  return { revision: map.revision, nodes, edges };
}

/** What is not well itself, or lies at the end of a line that leads nowhere. */
export function unhealthy(map: NetworkMap): MapNode[] {
  const badEnds = new Set(map.edges.filter((edge) => edge.state === "bad").map((edge) => edge.target));
  return map.nodes.filter((node) => node.healthy === false || badEnds.has(node.id));
}

function says(node: MapNode, text: string): boolean {
  const addresses = [...(node.detail.addresses ?? []), ...(node.detail.public_addresses ?? [])];
  return [node.id, node.name, node.zone ?? "", ...addresses].some((one) => one.toLowerCase().includes(text));
}

/** The same picture with each target standing for the instance that runs it: one box, not two beside each other. */
export function folded(map: NetworkMap): NetworkMap {
  const behind = new Set(map.edges.filter((edge) => edge.kind === "runs").map((edge) => edge.target));
  return {
    revision: map.revision,
    nodes: map.nodes.filter((node) => !behind.has(node.id)),
    edges: map.edges.filter((edge) => !behind.has(edge.target) && !behind.has(edge.source)),
  };
}
