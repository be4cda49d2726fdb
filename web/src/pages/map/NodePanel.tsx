import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { CaptureButton } from "../../common/CaptureButton";
import { Findings } from "../../common/Findings";
import { ResourceLink } from "../../common/ResourceLink";
import { StateOf } from "../../common/StateOf";
import type { MapNode } from "../../generated/read-api";
import { facts } from "./details";
import type { Graph } from "./graph";
import { NodeRates } from "./NodeRates";
import { captureOf, pageOf, shortId, walkOf } from "./places";
import { RoutesOf } from "./RoutesOf";

/** The chosen node: what it is, how it is, what flows, and what can be done about it. */
export function NodePanel({ node, graph, onClose }: { node: MapNode; graph: Graph; onClose: () => void }) {
  const { t } = useTranslation(["map", "common"]);
  const page = pageOf(node);
  const walk = walkOf(node);
  const capture = captureOf(node);
  const routes = node.detail.routes ?? [];
  return (
    <aside className="map-panel" aria-label={t("panel.title", { name: node.name })} data-testid="map-panel">
      <SpaceBetween size="m">
        <Header
          variant="h2"
          description={t(`kind.${node.kind}`)}
          actions={<Button variant="icon" iconName="close" ariaLabel={t("common:close")} onClick={onClose} />}
        >
          {node.name}
        </Header>
        {node.name !== shortId(node) && <Box variant="code">{shortId(node)}</Box>}
        <div>
          <StateOf state={node.state} />
          {node.reason !== "" && <Box color="text-body-secondary">{node.reason}</Box>}
        </div>
        <SpaceBetween size="xs">
          {page !== null && (
            <ResourceLink to={page} variant="primary">
              {t("panel.open")}
            </ResourceLink>
          )}
          {walk !== null && <ResourceLink to={walk}>{t("panel.walk")}</ResourceLink>}
          {capture !== null && <CaptureButton port={capture} />}
        </SpaceBetween>
        <Findings resource={node.id} />
        <NodeRates node={node} graph={graph} />
        {routes.length > 0 && <RoutesOf routes={routes} />}
        <KeyValuePairs
          columns={1}
          items={facts(node).map(({ label, values }) => ({
            label: label.startsWith("=") ? label.slice(1) : t(`fact.${label}`),
            value: values.map((value) => (
              <div key={value} className="map-fact">
                {value}
              </div>
            )),
          }))}
        />
      </SpaceBetween>
    </aside>
  );
}
