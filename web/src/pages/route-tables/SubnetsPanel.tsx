import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import type { ec2 } from "../../generated/aws";
import { explicit, isMain, tableOf } from "../../common/associations";

/** The tab "Subnet associations": those that name this table, and, of the main table, those that name none. */
export function SubnetsPanel({ table }: { table: ec2.RouteTable }) {
  const { t } = useTranslation(["route-tables", "common", "network"]);
  const navigate = useNavigate();
  const Filters = [{ Name: "vpc-id", Values: [table.VpcId ?? ""] }];
  const subnets = useAws("ec2", "DescribeSubnets", { Filters });
  const tables = useAws("ec2", "DescribeRouteTables", { Filters });
  const own = explicit(table, "SubnetId");
  const all = subnets.data?.Subnets;
  const without = all?.filter(
    (one) =>
      isMain(table) &&
      !own.has(one.SubnetId ?? "") &&
      tableOf(tables.data?.RouteTables ?? [], "SubnetId", one.SubnetId ?? "")?.RouteTableId === table.RouteTableId,
  );
  const columns = [
    textColumn("name", t("common:name"), (one: ec2.Subnet) => tagName(one)),
    textColumn(
      "id",
      t("network:subnetId"),
      (one: ec2.Subnet) => one.SubnetId,
      (one) => <ResourceLink to={`/subnets/${one.SubnetId ?? ""}`}>{one.SubnetId}</ResourceLink>,
    ),
    textColumn("cidr", "IPv4 CIDR", (one: ec2.Subnet) => one.CidrBlock),
    textColumn("ipv6", "IPv6 CIDR", (one: ec2.Subnet) => one.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock),
    textColumn("zone", t("network:zone"), (one: ec2.Subnet) => one.AvailabilityZone),
  ];
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title={t("subnets.explicit")}
        variant="container"
        items={all?.filter((one) => own.has(one.SubnetId ?? ""))}
        loading={subnets.isPending}
        error={subnets.error}
        id={(one) => one.SubnetId ?? ""}
        columns={columns}
        empty={{ title: t("subnets.none"), description: t("subnets.noneExplained") }}
        actions={
          <Button
            data-testid="edit-subnets"
            onClick={() => void navigate(`/route-tables/${table.RouteTableId ?? ""}/subnets`)}
          >
            {t("subnets.edit")}
          </Button>
        }
      />
      {isMain(table) && (
        <ResourceTable
          title={t("subnets.without")}
          description={t("subnets.withoutExplained")}
          variant="container"
          items={without}
          loading={subnets.isPending}
          id={(one) => one.SubnetId ?? ""}
          columns={columns}
          empty={{ title: t("subnets.noneWithout") }}
        />
      )}
    </SpaceBetween>
  );
}
