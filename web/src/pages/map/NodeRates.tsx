import Box from "@cloudscape-design/components/box";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { MapNode } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import type { Graph } from "./graph";
import { useShown } from "./store";
import { packets } from "./traffic";

/** What flows along each line of a node, at this second. */
export function NodeRates({ node, graph }: { node: MapNode; graph: Graph }) {
  const { t } = useTranslation("map");
  const format = useFormat();
  const { traffic } = useShown();
  const measured = useSyncExternalStore(traffic.subscribe, traffic.get);
  const lines = [...(graph.before.get(node.id) ?? []), ...(graph.after.get(node.id) ?? [])];
  const busy = lines.flatMap(({ id, edge }) => {
    const found = measured.get(edge.id);
    return found ? [{ id, edge, found }] : [];
  });
  if (busy.length === 0) return null;
  return (
    <div>
      <Box variant="awsui-key-label">{t("panel.traffic")}</Box>
      <ul className="map-rates">
        {busy.map(({ id, edge, found }) => (
          <li key={edge.id}>
            <span>{graph.nodes.get(id)?.name ?? id}</span>{" "}
            <span>
              {t("edge.rate", { packets: format.short(packets(found)), bits: format.bitsPerSecond(found.bytes) })}
            </span>
            {found.drops > 0 && (
              <span className="map-dropped"> {t("edge.drops", { packets: format.short(found.drops) })}</span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
