import { useTranslation } from "react-i18next";
import { useAws, useAwsAction } from "../../api/aws";
import { linkColumn, textColumn, vpcColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { idAndName, tagName } from "../../common/names";
import type { ec2 } from "../../generated/aws";

const idOf = (one: ec2.NetworkAcl) => one.NetworkAclId ?? "";

export default function NetworkAclsPage() {
  const { t } = useTranslation(["network-acls", "common", "network"]);
  const asked = useAws("ec2", "DescribeNetworkAcls", {});
  const remove = useAwsAction("ec2", "DeleteNetworkAcl");
  return (
    <ListPage<ec2.NetworkAcl>
      title={t("title")}
      asked={asked}
      items={asked.data?.NetworkAcls}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", t("id"), idOf, (one) => `/network-acls/${idOf(one)}`),
        textColumn("subnets", t("subnets"), (acl) => String(acl.Associations?.length ?? 0)),
        textColumn("default", t("default"), (acl) => (acl.IsDefault ? t("network:yes") : t("network:no"))),
        vpcColumn(),
        textColumn("owner", t("network:owner"), (acl) => acl.OwnerId),
      ]}
      empty={{ title: t("empty") }}
      create={{ text: t("create.title"), to: "/network-acls/create" }}
      remove={{
        text: t("delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("delete")}
            names={chosen.map((one) => idAndName(idOf(one), one))}
            onConfirm={() => Promise.all(chosen.map((one) => remove.mutateAsync({ NetworkAclId: idOf(one) })))}
            onClose={close}
          />
        ),
      }}
    />
  );
}
