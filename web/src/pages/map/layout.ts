/** Where each box of the map stands: fixed columns from left to right as AWS's own resource maps have them, VPCs as bands.
 *
 * The columns are known, so nothing has to be searched: within a column boxes follow what they hang on. The same map is always laid out
 * the same, and 500 nodes take a few milliseconds.
 */

import type { MapEdge, MapNode, NetworkMap } from "../../generated/read-api";

export const WIDTH = 176;
export const HEIGHT = 54;
const GAP_X = 44;
const GAP_Y = 14;
export const BAND_HEAD = 40;
const BAND_PAD = 16;
const BAND_GAP = 24;
const HEADING = 44;

export type Column =
  "subnet" | "route-table" | "connection" | "endpoint-service" | "load-balancer" | "target-group" | "target";
export const COLUMNS: readonly Column[] = [
  "subnet",
  "route-table",
  "connection",
  "endpoint-service",
  "load-balancer",
  "target-group",
  "target",
];
const IN_BAND = 3;

export interface Box {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  boxes: ReadonlyMap<string, Box>;
  headings: { column: Column; x: number; y: number }[];
}

const AT: Record<Exclude<MapNode["kind"], "vpc">, number> = {
  subnet: 0,
  "route-table": 1,
  instance: 1,
  "internet-gateway": 2,
  "network-interface": 2,
  endpoint: 2,
  "endpoint-service": 3,
  "load-balancer": 4,
  "target-group": 5,
  target: 6,
};

export function columnOf(node: MapNode): number {
  return node.kind === "vpc" ? -1 : AT[node.kind];
}

/** Whether a line would run past boxes between its ends; a VPC's are drawn as its band. */
export function skips(edge: MapEdge, nodes: ReadonlyMap<string, MapNode>): boolean {
  const [source, target] = [nodes.get(edge.source), nodes.get(edge.target)];
  if (!source || !target) return true;
  return edge.kind === "contains" && Math.abs(columnOf(target) - columnOf(source)) > 1;
}

export function layout(map: Pick<NetworkMap, "nodes" | "edges">): Layout {
  const boxes = new Map<string, Box>();
  const before = neighbours(map.edges);
  const columns = new Set(map.nodes.map(columnOf));
  const x = places(columns);
  const place = (node: MapNode, y: number) => {
    boxes.set(node.id, { id: node.id, x: x[columnOf(node)] ?? 0, y, width: WIDTH, height: HEIGHT });
  };
  const wanted = (node: MapNode): number => {
    const at = (before.get(node.id) ?? []).flatMap((id) => boxes.get(id)?.y ?? []);
    return at.length === 0 ? Number.POSITIVE_INFINITY : at.reduce((sum, y) => sum + y, 0) / at.length;
  };

  let top = HEADING;
  for (const band of bands(map)) {
    const first = top + (band.vpc ? BAND_HEAD : 0);
    let bottom = first;
    for (let column = 0; column < IN_BAND; column++) {
      let y = first;
      for (const node of ordered(
        band.nodes.filter((one) => columnOf(one) === column),
        wanted,
      )) {
        place(node, y);
        y += HEIGHT + GAP_Y;
      }
      bottom = Math.max(bottom, y - GAP_Y);
    }
    if (band.vpc) {
      const right = (x[lastOf(band.nodes)] ?? 0) + WIDTH + BAND_PAD;
      const height = Math.max(bottom, first) - top + BAND_PAD;
      boxes.set(band.vpc.id, { id: band.vpc.id, x: -BAND_PAD, y: top, width: right + BAND_PAD, height });
    }
    top = bottom + BAND_PAD + BAND_GAP;
  }
  for (let column = IN_BAND; column < COLUMNS.length; column++) {
    const nodes = map.nodes.filter((node) => columnOf(node) === column);
    for (const [node, y] of spread(ordered(nodes, wanted), wanted)) place(node, y);
  }
  const headings = COLUMNS.flatMap((column, at) => (columns.has(at) ? [{ column, x: x[at] ?? 0, y: 0 }] : []));
  return { boxes, headings };
}

/** The left edge of each column; an empty one takes no room. */
function places(columns: ReadonlySet<number>): number[] {
  const found: number[] = [];
  let x = 0;
  for (let column = 0; column < COLUMNS.length; column++) {
    found.push(x);
    if (columns.has(column)) x += WIDTH + GAP_X;
  }
  return found;
}

function neighbours(edges: readonly MapEdge[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { source, target, kind } of edges) {
    // The gateway's own table stands to the left of the gateway.
    const [left, right] = kind === "associated" && source.startsWith("igw-") ? [target, source] : [source, target];
    const known = found.get(right);
    if (known) known.push(left);
    else found.set(right, [left]);
  }
  return found;
}

interface Band {
  vpc: MapNode | undefined;
  nodes: MapNode[];
}

/** One for each VPC, those with endpoints first; then what is in no VPC that is shown. */
function bands(map: Pick<NetworkMap, "nodes">): Band[] {
  const found = new Map<string, Band>();
  for (const vpc of map.nodes) if (vpc.kind === "vpc") found.set(vpc.id, { vpc, nodes: [] });
  const rest: Band = { vpc: undefined, nodes: [] };
  for (const node of map.nodes) {
    if (columnOf(node) < 0 || columnOf(node) >= IN_BAND) continue;
    ((node.vpc !== null && found.get(node.vpc)) || rest).nodes.push(node);
  }
  const rank = (band: Band) => (band.nodes.some((node) => node.kind === "endpoint") ? 0 : 1);
  const sorted = [...found.values()].sort((a, b) => rank(a) - rank(b) || compare(a.vpc, b.vpc));
  return rest.nodes.length > 0 ? [...sorted, rest] : sorted;
}

const compare = (a: MapNode | undefined, b: MapNode | undefined): number =>
  (a?.name ?? "").localeCompare(b?.name ?? "") || (a?.id ?? "").localeCompare(b?.id ?? "");

const lastOf = (nodes: readonly MapNode[]): number => Math.max(0, ...nodes.map(columnOf));

function ordered(nodes: readonly MapNode[], wanted: (node: MapNode) => number): MapNode[] {
  const at = new Map(nodes.map((node) => [node.id, wanted(node)]));
  const zone = (node: MapNode) => node.zone ?? "";
  return [...nodes].sort((a, b) => {
    const [one, two] = [at.get(a.id) ?? 0, at.get(b.id) ?? 0];
    return (one === two ? 0 : one - two) || zone(a).localeCompare(zone(b)) || compare(a, b);
  });
}

/** Each where it wants to be, pushed down where another is; then all together moved so that they stand around the middle of their wishes. */
function spread(nodes: readonly MapNode[], wanted: (node: MapNode) => number): [MapNode, number][] {
  const wishes = nodes.map(wanted).filter(Number.isFinite);
  const middle = wishes.length === 0 ? HEADING : wishes.reduce((sum, y) => sum + y, 0) / wishes.length;
  let next = Number.NEGATIVE_INFINITY;
  const found = nodes.map((node): [MapNode, number] => {
    const wish = wanted(node);
    const y = Math.max(Number.isFinite(wish) ? wish : middle, next);
    next = y + HEIGHT + GAP_Y;
    return [node, y];
  });
  const first = found[0]?.[1] ?? 0;
  const last = found.at(-1)?.[1] ?? 0;
  const up = Math.max(0, Math.min((first + last) / 2 - middle, first - HEADING));
  return found.map(([node, y]) => [node, Math.round(y - up)]);
}
