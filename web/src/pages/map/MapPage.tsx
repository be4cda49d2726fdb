import Box from "@cloudscape-design/components/box";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { useRead } from "../../api/read";
import { ErrorAlert } from "../../common/ErrorAlert";
import { ResourceLink } from "../../common/ResourceLink";
import { themed } from "../../common/themed";
import type { MapEdge, NetworkMap } from "../../generated/read-api";
import { useTraffic } from "../../live/LiveProvider";
import { useScope } from "../../session/scope";
import { ALL, type Choice, chosen, folded } from "./choose";
import { graphOf } from "./graph";
import { Legend } from "./Legend";
import { MapCanvas } from "./MapCanvas";
import { type Form, MapFilters } from "./MapFilters";
import { MapList } from "./MapList";
import { NodePanel } from "./NodePanel";
import { worded } from "./reasons";
import { makeShown, ShownContext, useShown } from "./store";
import { trafficOf } from "./traffic";
import "./map.css";

const NOTHING: NetworkMap = { revision: 0, nodes: [], edges: [] };

/** Everything that the account has, from left to right as packets go, with what flows at this second. `?id=` pins a node. */
export default function MapPage() {
  const { t } = useTranslation("map");
  const { region } = useScope();
  const [query, setQuery] = useSearchParams();
  const [choice, setChoice] = useState<Choice>(ALL);
  const [form, setForm] = useState<Form>("picture");
  const [shown] = useState(makeShown);
  const { data, error } = useRead<NetworkMap>("map", { region });
  const map = useMemo(() => folded(worded(data ?? NOTHING, t)), [data, t]);
  const graph = useMemo(() => graphOf(map), [map]);
  const wanted = useDeferredValue(choice);
  const visible = useMemo(() => chosen(map, graph, wanted), [map, graph, wanted]);
  const pinned = query.get("id");
  const node = pinned === null ? undefined : graph.nodes.get(pinned);
  const pin = (id: string | null) => {
    setQuery(id === null ? {} : { id }, { replace: true });
  };

  return (
    <ShownContext value={shown}>
      <Measured edges={map.edges} />
      <div className="map-page" style={themed}>
        <ContentLayout header={<Header variant="h1">{t("title")}</Header>}>
          <SpaceBetween size="s">
            {error && <ErrorAlert error={error} />}
            <MapFilters map={data} choice={choice} form={form} onChoice={setChoice} onForm={setForm} />
            {!data && !error && <Spinner size="large" />}
            {data && visible.nodes.length === 0 && <Empty filtered={map.nodes.length > 0} />}
            {data && visible.nodes.length > 0 && form === "list" && <MapList map={visible} graph={graph} />}
            {data && visible.nodes.length > 0 && form === "picture" && (
              <>
                <div className={node ? "map-with-panel" : "map-alone"}>
                  <Frame>
                    <MapCanvas map={visible} graph={graph} pinned={node ? pinned : null} onPin={pin} />
                  </Frame>
                  {node && (
                    <NodePanel
                      node={node}
                      graph={graph}
                      onClose={() => {
                        pin(null);
                      }}
                    />
                  )}
                </div>
                <Legend />
              </>
            )}
          </SpaceBetween>
        </ContentLayout>
      </div>
    </ShownContext>
  );
}

/** Each second's traffic goes past React's tree to the lines that it concerns. */
function Measured({ edges }: { edges: readonly MapEdge[] }) {
  const traffic = useTraffic();
  const shown = useShown();
  useEffect(() => {
    shown.traffic.set(trafficOf(edges, traffic));
  }, [edges, traffic, shown]);
  return null;
}

/** While a chain is lit, all else steps back. */
function Frame({ children }: { children: React.ReactNode }) {
  const { lit } = useShown();
  const isLit = useSyncExternalStore(lit.subscribe, () => lit.get() !== null);
  return (
    <div className={isLit ? "map-frame lighting" : "map-frame"} data-testid="map-frame">
      {children}
    </div>
  );
}

function Empty({ filtered }: { filtered: boolean }) {
  const { t } = useTranslation("map");
  return (
    <Box textAlign="center" padding="xxl">
      <SpaceBetween size="s">
        <b>{filtered ? t("empty.noMatch") : t("empty.title")}</b>
        {!filtered && <ResourceLink to="/">{t("empty.start")}</ResourceLink>}
      </SpaceBetween>
    </Box>
  );
}
