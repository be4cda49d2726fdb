import { EdgeLabelRenderer, type EdgeProps, type EdgeTypes, getBezierPath } from "@xyflow/react";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import type { MapFlowEdge } from "./flow";
import { useEdgeTraffic, useLit } from "./store";
import { type EdgeTraffic, mixOf, packets, widthOf } from "./traffic";

const EdgeView = memo(function EdgeView(props: EdgeProps<MapFlowEdge>) {
  const { id, data } = props;
  const [hovered, setHovered] = useState(false);
  const lit = useLit("edges", id);
  const measured = useEdgeTraffic(id);
  const [path, x, y] = getBezierPath(props);
  // A line that runs past boxes only says where something is; what flows there is drawn between neighbours.
  const traffic = data?.skips ? undefined : measured;
  const isBad = data?.edge.state === "bad";
  const classes = ["map-edge", isBad && "bad", data?.skips && "skips", lit && "lit"].filter(Boolean).join(" ");
  return (
    <g
      className={classes}
      onMouseEnter={() => {
        setHovered(true);
      }}
      onMouseLeave={() => {
        setHovered(false);
      }}
    >
      <path d={path} className="map-hit" />
      <path d={path} className="map-line" />
      {traffic && <Moving path={path} traffic={traffic} back={data?.back ?? false} />}
      {(hovered || (lit && (traffic || isBad))) && data && (
        <EdgeLabelRenderer>
          <div
            className={`map-label${isBad ? " bad" : ""}`}
            style={{ transform: `translate(-50%, ${hovered ? -50 : -110}%) translate(${String(x)}px, ${String(y)}px)` }}
          >
            {hovered ? (
              <EdgeWords label={data.edge.label} bad={isBad} traffic={traffic} />
            ) : (
              <EdgeRate bad={isBad} traffic={traffic} />
            )}
          </div>
        </EdgeLabelRenderer>
      )}
    </g>
  );
});

/** Dashes that go the way most of the packets go; as wide as there are many, coloured by what becomes of them. */
function Moving({ path, traffic, back }: { path: string; traffic: EdgeTraffic; back: boolean }) {
  const toLeft = traffic.backward > traffic.forward;
  const both = Math.min(traffic.forward, traffic.backward) * 4 > Math.max(traffic.forward, traffic.backward);
  const width = widthOf(packets(traffic));
  const className = `map-moving ${mixOf(traffic)}`;
  return (
    <>
      <path d={path} className={`${className} ${toLeft === back ? "right" : "left"}`} style={{ strokeWidth: width }} />
      {both && (
        <path
          d={path}
          className={`${className} other ${toLeft === back ? "left" : "right"}`}
          style={{ strokeWidth: width }}
        />
      )}
    </>
  );
}

/** In short, where the whole chain is lit. */
function EdgeRate({ bad, traffic }: { bad: boolean; traffic: EdgeTraffic | undefined }) {
  const { t } = useTranslation("map");
  const format = useFormat();
  return bad || !traffic ? t("edge.bad") : t("edge.short", { packets: format.short(packets(traffic)) });
}

function EdgeWords({ label, bad, traffic }: { label: string; bad: boolean; traffic: EdgeTraffic | undefined }) {
  const { t } = useTranslation("map");
  const format = useFormat();
  return (
    <>
      {label !== "" && <div>{label}</div>}
      {bad && <div>{t("edge.bad")}</div>}
      {traffic && (
        <div>
          {t("edge.rate", {
            packets: format.short(packets(traffic)),
            bits: format.bitsPerSecond(traffic.bytes),
          })}
        </div>
      )}
      {traffic && traffic.drops > 0 && <div>{t("edge.drops", { packets: format.short(traffic.drops) })}</div>}
    </>
  );
}

export const edgeTypes: EdgeTypes = { map: EdgeView };
