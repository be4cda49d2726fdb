/** Who hangs on whom in the map: adjacency, computed once for each map, and the chain through a node. */

import type { MapEdge, MapNode, NetworkMap } from "../../generated/read-api";

interface Neighbour {
  id: string;
  edge: MapEdge;
}

export interface Graph {
  nodes: ReadonlyMap<string, MapNode>;
  edges: readonly MapEdge[];
  after: ReadonlyMap<string, readonly Neighbour[]>;
  before: ReadonlyMap<string, readonly Neighbour[]>;
}

/** Ids of what belongs together. */
export interface Chain {
  nodes: ReadonlySet<string>;
  edges: ReadonlySet<string>;
}

export function graphOf(map: Pick<NetworkMap, "nodes" | "edges">): Graph {
  const after = new Map<string, Neighbour[]>();
  const before = new Map<string, Neighbour[]>();
  const add = (to: Map<string, Neighbour[]>, at: string, one: Neighbour) => {
    const known = to.get(at);
    if (known) known.push(one);
    else to.set(at, [one]);
  };
  for (const edge of map.edges) {
    add(after, edge.source, { id: edge.target, edge });
    add(before, edge.target, { id: edge.source, edge });
  }
  return { nodes: new Map(map.nodes.map((node) => [node.id, node])), edges: map.edges, after, before };
}

/** Everything that leads to a node and everything that it leads to. */
export function chainOf(graph: Graph, id: string): Chain {
  return chainOfAll(graph, [id]);
}

export function chainOfAll(graph: Graph, ids: Iterable<string>): Chain {
  const nodes = new Set<string>();
  const edges = new Set<string>();
  const wanted = [...ids].filter((id) => graph.nodes.has(id));
  follow(graph.after, wanted, nodes, edges);
  follow(graph.before, wanted, nodes, edges);
  return { nodes, edges };
}

function follow(
  next: ReadonlyMap<string, readonly Neighbour[]>,
  from: readonly string[],
  nodes: Set<string>,
  edges: Set<string>,
): void {
  const seen = new Set(from);
  const waiting = [...from];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    nodes.add(id);
    for (const one of next.get(id) ?? []) {
      edges.add(one.edge.id);
      nodes.add(one.id);
      if (seen.has(one.id) || endsHere(one)) continue;
      seen.add(one.id);
      waiting.push(one.id);
    }
  }
}

/** A route to an internet gateway leads out of the picture, not through the gateway's own table back into the VPC. */
function endsHere({ edge }: Neighbour): boolean {
  return edge.kind === "routes" && (edge.target.startsWith("igw-") || edge.target.startsWith("i-"));
}
