import { useTranslation } from "react-i18next";
import { useAws, useAwsAction } from "../../api/aws";
import { linkColumn, stateColumn, textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { idAndName, tagName } from "../../common/names";
import type { ec2 } from "../../generated/aws";

const idOf = (one: ec2.Vpc) => one.VpcId ?? "";

export default function VpcsPage() {
  const { t } = useTranslation(["vpcs", "common", "network"]);
  const asked = useAws("ec2", "DescribeVpcs", {});
  const remove = useAwsAction("ec2", "DeleteVpc");
  return (
    <ListPage<ec2.Vpc>
      title={t("title")}
      asked={asked}
      items={asked.data?.Vpcs}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", "VPC ID", idOf, (one) => `/vpcs/${idOf(one)}`),
        stateColumn(t("common:state"), (one) => one.State),
        textColumn("cidr", "IPv4 CIDR", (one) =>
          one.CidrBlockAssociationSet?.map((block) => block.CidrBlock).join(", "),
        ),
        textColumn("ipv6", "IPv6 CIDR", (one) =>
          one.Ipv6CidrBlockAssociationSet?.map((block) => block.Ipv6CidrBlock).join(", "),
        ),
        textColumn("default", t("default"), (one) => (one.IsDefault ? t("network:yes") : t("network:no"))),
        textColumn("owner", t("network:owner"), (one) => one.OwnerId),
      ]}
      empty={{ title: t("empty") }}
      create={{ text: t("create.title"), to: "/vpcs/create" }}
      remove={{
        text: t("delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("delete")}
            names={chosen.map((one) => idAndName(idOf(one), one))}
            onConfirm={() => Promise.all(chosen.map((one) => remove.mutateAsync({ VpcId: idOf(one) })))}
            onClose={close}
          />
        ),
      }}
    />
  );
}
