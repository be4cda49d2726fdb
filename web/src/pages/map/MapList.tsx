import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import type { NetworkMap } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import type { Graph } from "./graph";
import { pageOf, shortId } from "./places";
import { listed } from "./rows";
import { useShown } from "./store";

/** The same map as a table: for screen readers, and for who would rather read. */
export function MapList({ map, graph }: { map: NetworkMap; graph: Graph }) {
  const { t } = useTranslation("map");
  const format = useFormat();
  const { traffic } = useShown();
  const measured = useSyncExternalStore(traffic.subscribe, traffic.get);
  return (
    <ResourceTable
      title={t("list.title")}
      variant="container"
      items={listed(map, graph, measured)}
      loading={false}
      id={(row) => row.node.id}
      testId="map-list"
      empty={{ title: t("empty.title") }}
      columns={[
        {
          id: "name",
          header: t("list.name"),
          isRowHeader: true,
          sortingField: "name",
          cell: ({ node }) => {
            const page = pageOf(node);
            return page === null ? node.name : <ResourceLink to={page}>{node.name}</ResourceLink>;
          },
        },
        { id: "kind", header: t("list.kind"), sortingField: "kind", cell: (row) => t(`kind.${row.kind}`) },
        { id: "id", header: t("list.id"), cell: ({ node }) => shortId(node) },
        {
          id: "state",
          header: t("list.state"),
          sortingField: "state",
          cell: ({ node }) => <StateOf state={node.state} />,
        },
        { id: "reason", header: t("list.reason"), cell: ({ node }) => node.reason || "–" },
        { id: "zone", header: t("list.zone"), sortingField: "zone", cell: (row) => row.zone || "–" },
        { id: "leads", header: t("list.leadsTo"), cell: (row) => row.leadsTo.join(", ") || "–" },
        {
          id: "packets",
          header: t("list.packets"),
          sortingField: "packets",
          cell: (row) => (row.packets > 0 ? format.short(row.packets) : "–"),
        },
      ]}
    />
  );
}
