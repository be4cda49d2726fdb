import { Handle, type NodeProps, type NodeTypes, Position } from "@xyflow/react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { KindIcon } from "../../common/KindIcon";
import type { MapNode } from "../../generated/read-api";
import type { HeadingNode, ResourceNode } from "./flow";
import { shortId } from "./places";
import { useLit } from "./store";

const health = (node: MapNode): string =>
  node.healthy === null ? "neutral" : node.healthy ? "healthy" : node.state === "deleted" ? "gone" : "unhealthy";

const ResourceView = memo(function ResourceView({ id, data: { node } }: NodeProps<ResourceNode>) {
  const lit = useLit("nodes", id);
  const idShown = shortId(node);
  return (
    <div className={`map-node ${health(node)}${lit ? " lit" : ""}`} title={node.reason || undefined}>
      <Handle id="in" type="target" position={Position.Left} isConnectable={false} />
      <Handle id="out" type="source" position={Position.Right} isConnectable={false} />
      <span className={`map-icon kind-${node.kind}`}>
        <KindIcon kind={node.kind} size={22} />
      </span>
      <span className="map-words">
        <span className="map-name">{node.name === node.id ? idShown : node.name}</span>
        <span className="map-id">{node.name === node.id ? node.state : idShown}</span>
      </span>
      <span className="map-marks">
        <span className="map-health" />
        {node.zone && <span className="map-zone">{node.zone.slice(-2)}</span>}
      </span>
    </div>
  );
});

const BandView = memo(function BandView({ id, data: { node } }: NodeProps<ResourceNode>) {
  const lit = useLit("nodes", id);
  return (
    <div className={`map-band${lit ? " lit" : ""}`}>
      <div className="map-band-head">
        <KindIcon kind="vpc" size={20} />
        <span className="map-name">{node.name}</span>
        <span className="map-id">
          {[node.name === node.id ? "" : node.id, ...(node.detail.cidrs ?? [])].filter(Boolean).join(" · ")}
        </span>
      </div>
    </div>
  );
});

function HeadingView({ data: { column } }: NodeProps<HeadingNode>) {
  const { t } = useTranslation("map");
  return <div className="map-heading">{t(`column.${column}`)}</div>;
}

export const nodeTypes: NodeTypes = { resource: ResourceView, band: BandView, heading: HeadingView };
