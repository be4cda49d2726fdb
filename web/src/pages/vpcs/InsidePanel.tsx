import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { explicit, isMain } from "../../common/associations";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import type { ec2 } from "../../generated/aws";

/** Subnets and route tables of a VPC. */
export function InsidePanel({ vpc }: { vpc: string }) {
  const { t } = useTranslation(["vpcs", "common", "network"]);
  const Filters = [{ Name: "vpc-id", Values: [vpc] }];
  const subnets = useAws("ec2", "DescribeSubnets", { Filters });
  const tables = useAws("ec2", "DescribeRouteTables", { Filters });
  const users = (table: ec2.RouteTable) => [
    ...(isMain(table) ? [t("main")] : []),
    ...explicit(table, "SubnetId").keys(),
    ...explicit(table, "GatewayId").keys(),
  ];
  return (
    <SpaceBetween size="l">
      <ResourceTable<ec2.Subnet>
        title={t("subnets")}
        variant="container"
        items={subnets.data?.Subnets}
        loading={subnets.isPending}
        error={subnets.error}
        id={(one) => one.SubnetId ?? ""}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn(
            "id",
            t("network:subnetId"),
            (one) => one.SubnetId,
            (one) => <ResourceLink to={`/subnets/${one.SubnetId ?? ""}`}>{one.SubnetId}</ResourceLink>,
          ),
          textColumn("cidr", "IPv4 CIDR", (one) => one.CidrBlock),
          textColumn("zone", t("network:zone"), (one) => one.AvailabilityZone),
        ]}
        empty={{ title: t("noSubnets") }}
      />
      <ResourceTable<ec2.RouteTable>
        title={t("routeTables")}
        variant="container"
        items={tables.data?.RouteTables}
        loading={tables.isPending}
        error={tables.error}
        id={(one) => one.RouteTableId ?? ""}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn(
            "id",
            t("network:routeTable"),
            (one) => one.RouteTableId,
            (one) => <ResourceLink to={`/route-tables/${one.RouteTableId ?? ""}`}>{one.RouteTableId}</ResourceLink>,
          ),
          textColumn("users", t("usedBy"), (one) => users(one).join(", ")),
        ]}
        empty={{ title: t("common:none") }}
      />
    </SpaceBetween>
  );
}
