/** The map as xyflow draws it: boxes and lines, made anew only when the map itself changes. */

import type { Edge, Node } from "@xyflow/react";
import type { MapEdge, MapNode, NetworkMap } from "../../generated/read-api";
import { columnOf, type Column, type Layout, skips, WIDTH } from "./layout";

export type ResourceNode = Node<{ node: MapNode }, "resource" | "band">;
export type HeadingNode = Node<{ column: Column }, "heading">;
export type MapFlowNode = ResourceNode | HeadingNode;
export type MapFlowEdge = Edge<{ edge: MapEdge; back: boolean; skips: boolean }, "map">;

export function flowNodes(map: NetworkMap, layout: Layout, label: (node: MapNode) => string): MapFlowNode[] {
  const headings = layout.headings.map(({ column, x, y }): HeadingNode => ({
    id: `heading ${column}`,
    type: "heading",
    position: { x, y },
    width: WIDTH,
    height: 28,
    focusable: false,
    selectable: false,
    data: { column },
  }));
  const resources = map.nodes.flatMap((node): ResourceNode[] => {
    const box = layout.boxes.get(node.id);
    if (!box) return [];
    return [
      {
        id: node.id,
        type: node.kind === "vpc" ? "band" : "resource",
        position: { x: box.x, y: box.y },
        width: box.width,
        height: box.height,
        zIndex: node.kind === "vpc" ? -1 : 1,
        ariaLabel: label(node),
        data: { node },
      },
    ];
  });
  return [...headings, ...resources];
}

/** Lines always leave to the right; `back` are those that are drawn against their own direction. A band's are its own rim. */
export function flowEdges(map: NetworkMap): MapFlowEdge[] {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  return map.edges.flatMap((edge): MapFlowEdge[] => {
    const [source, target] = [nodes.get(edge.source), nodes.get(edge.target)];
    if (!source || !target || source.kind === "vpc") return [];
    const back = columnOf(source) > columnOf(target);
    return [
      {
        id: edge.id,
        type: "map",
        source: back ? edge.target : edge.source,
        target: back ? edge.source : edge.target,
        sourceHandle: "out",
        targetHandle: "in",
        focusable: false,
        selectable: false,
        data: { edge, back, skips: skips(edge, nodes) },
      },
    ];
  });
}
