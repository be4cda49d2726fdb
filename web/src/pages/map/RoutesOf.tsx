import Table from "@cloudscape-design/components/table";
import { useTranslation } from "react-i18next";
import { StateOf } from "../../common/StateOf";
import type { MapRoute } from "../../generated/read-api";

export function RoutesOf({ routes }: { routes: readonly MapRoute[] }) {
  const { t } = useTranslation("map");
  return (
    <Table
      variant="embedded"
      items={routes}
      trackBy="destination"
      wrapLines
      ariaLabels={{ tableLabel: t("fact.routes") }}
      columnDefinitions={[
        { id: "destination", header: t("route.destination"), cell: (route) => route.destination, isRowHeader: true },
        { id: "target", header: t("route.target"), cell: (route) => route.target },
        { id: "state", header: t("route.state"), cell: (route) => <StateOf state={route.state} /> },
      ]}
    />
  );
}
