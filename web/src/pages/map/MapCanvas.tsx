import {
  Background,
  Controls,
  MiniMap,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  useNodesInitialized,
  useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { type FocusEvent, useCallback, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { MapNode, NetworkMap } from "../../generated/read-api";
import { edgeTypes } from "./EdgeView";
import { flowEdges, flowNodes, type MapFlowNode } from "./flow";
import { type Chain, chainOf, type Graph } from "./graph";
import { layout } from "./layout";
import { nodeTypes } from "./nodeViews";
import { useShown } from "./store";

const MINIMAP_ABOVE = 30;
/** After the panel opened or closed, until the picture knows its new size. */
const SETTLE_MS = 60;
const FIT = { padding: 0.04, maxZoom: 1, minZoom: 0.25 };

export interface MapCanvasProps {
  map: NetworkMap;
  graph: Graph;
  pinned: string | null;
  onPin: (id: string | null) => void;
}

/** The drawn map. Hovering and focusing light a chain, choosing pins it. */
export function MapCanvas(props: MapCanvasProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

function Canvas({ map, graph, pinned, onPin }: MapCanvasProps) {
  const { t } = useTranslation("map");
  const { lit } = useShown();
  const { fitView } = useReactFlow();
  const label = useCallback(
    (node: MapNode) => [t(`kind.${node.kind}`), node.name, node.state, node.reason].filter(Boolean).join(", "),
    [t],
  );
  const nodes = useMemo(() => flowNodes(map, layout(map), label), [map, label]);
  const edges = useMemo(() => flowEdges(map), [map]);
  const size = map.nodes.length;
  const beside = pinned !== null;
  // Boxes that are new have no size at first, and nothing can be fitted to them.
  const measured = useNodesInitialized();
  useEffect(() => {
    if (!measured) return;
    const timer = setTimeout(() => void fitView(FIT), SETTLE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [fitView, measured, size, beside]);

  const kept = useRef<Chain | null>(null);
  // Also when other boxes are shown: one that is gone under the pointer never says that the pointer left.
  useEffect(() => {
    kept.current = pinned !== null && graph.nodes.has(pinned) ? chainOf(graph, pinned) : null;
    lit.set(kept.current);
  }, [lit, graph, map, pinned]);
  /** The chain of what is pointed at; of nothing, the pinned one. */
  const light = (id: string | null) => {
    lit.set(id !== null && graph.nodes.has(id) ? chainOf(graph, id) : kept.current);
  };
  const choose = (changes: NodeChange<MapFlowNode>[]) => {
    for (const change of changes) if (change.type === "select" && change.selected) onPin(change.id);
  };
  const focused = (event: FocusEvent) => {
    const id = event.target.closest<HTMLElement>(".react-flow__node")?.dataset.id;
    if (id !== undefined && graph.nodes.has(id)) light(id);
  };
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      edgeTypes={edgeTypes}
      onNodesChange={choose}
      onNodeMouseEnter={(_, node) => {
        light(node.id);
      }}
      onNodeMouseLeave={() => {
        light(null);
      }}
      onFocus={focused}
      onBlur={() => {
        light(null);
      }}
      onPaneClick={() => {
        onPin(null);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onPin(null);
      }}
      nodesDraggable={false}
      nodesConnectable={false}
      edgesFocusable={false}
      elevateNodesOnSelect={false}
      fitView
      fitViewOptions={FIT}
      minZoom={0.1}
      maxZoom={2}
      aria-label={t("title")}
      ariaLabelConfig={{
        "node.a11yDescription.default": t("howToOpen"),
        "controls.ariaLabel": t("controls.all"),
        "controls.zoomIn.ariaLabel": t("controls.in"),
        "controls.zoomOut.ariaLabel": t("controls.out"),
        "controls.fitView.ariaLabel": t("controls.fit"),
        "minimap.ariaLabel": t("controls.small"),
      }}
    >
      <Background gap={24} />
      <Controls showInteractive={false} fitViewOptions={FIT} />
      {size > MINIMAP_ABOVE && <MiniMap pannable zoomable nodeClassName={miniClass} />}
    </ReactFlow>
  );
}

function miniClass(node: MapFlowNode): string {
  if (!("node" in node.data)) return "mini-none";
  if (node.type === "band") return "mini-band";
  return node.data.node.healthy === false ? "mini-bad" : "mini-node";
}
