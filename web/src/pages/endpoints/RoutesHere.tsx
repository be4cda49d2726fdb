import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { type RouteHere, routesTo } from "./routesTo";

/** The tab "Routes": by which routes packets come to this endpoint. */
export function RoutesHere({ endpoint, vpc }: { endpoint: string; vpc: string }) {
  const { t } = useTranslation(["endpoints", "common", "network"]);
  const { data, isPending, error } = useAws("ec2", "DescribeRouteTables", {
    Filters: [{ Name: "vpc-id", Values: [vpc] }],
  });
  return (
    <ResourceTable<RouteHere>
      title={t("routes")}
      variant="container"
      items={data && routesTo(data.RouteTables ?? [], endpoint)}
      loading={isPending}
      error={error}
      id={(one) => `${one.table.RouteTableId ?? ""} ${one.destination}`}
      columns={[
        textColumn("destination", t("destination"), (one) => one.destination),
        textColumn(
          "table",
          t("network:routeTable"),
          (one) => one.table.RouteTableId,
          (one) => (
            <ResourceLink to={`/route-tables/${one.table.RouteTableId ?? ""}`}>{one.table.RouteTableId}</ResourceLink>
          ),
        ),
        textColumn("name", t("common:name"), (one) => tagName(one.table)),
        textColumn(
          "state",
          t("status"),
          (one) => one.state,
          (one) => <StateOf state={one.state} />,
        ),
      ]}
      empty={{ title: t("noRoutes"), description: t("noRoutesExplained") }}
    />
  );
}
