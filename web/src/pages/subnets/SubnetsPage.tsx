import { useTranslation } from "react-i18next";
import { useAws, useAwsAction } from "../../api/aws";
import { linkColumn, stateColumn, textColumn, vpcColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { idAndName, tagName } from "../../common/names";
import type { ec2 } from "../../generated/aws";
import { RouteTableOf } from "./RouteTableOf";

const idOf = (one: ec2.Subnet) => one.SubnetId ?? "";

export default function SubnetsPage() {
  const { t } = useTranslation(["subnets", "common", "network"]);
  const asked = useAws("ec2", "DescribeSubnets", {});
  const remove = useAwsAction("ec2", "DeleteSubnet");
  return (
    <ListPage<ec2.Subnet>
      title={t("title")}
      asked={asked}
      items={asked.data?.Subnets}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", t("network:subnetId"), idOf, (one) => `/subnets/${idOf(one)}`),
        stateColumn(t("common:state"), (one) => one.State),
        vpcColumn(),
        textColumn("cidr", "IPv4 CIDR", (one) => one.CidrBlock),
        textColumn("ipv6", "IPv6 CIDR", (one) => one.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock),
        textColumn("free", t("free"), (one) => String(one.AvailableIpAddressCount ?? "")),
        textColumn("zone", t("network:zone"), (one) => one.AvailabilityZone),
        textColumn("table", t("network:routeTable"), idOf, (one) => <RouteTableOf subnet={one} />),
        textColumn("public", t("autoPublic"), (one) => (one.MapPublicIpOnLaunch ? t("network:yes") : t("network:no"))),
      ]}
      empty={{ title: t("empty") }}
      create={{ text: t("create.title"), to: "/subnets/create" }}
      remove={{
        text: t("delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("delete")}
            names={chosen.map((one) => idAndName(idOf(one), one))}
            onConfirm={() => Promise.all(chosen.map((one) => remove.mutateAsync({ SubnetId: idOf(one) })))}
            onClose={close}
          />
        ),
      }}
    />
  );
}
