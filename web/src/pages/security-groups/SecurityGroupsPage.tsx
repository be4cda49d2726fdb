import { useTranslation } from "react-i18next";
import { useAws, useAwsAction } from "../../api/aws";
import { linkColumn, textColumn, vpcColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { idAndName, tagName } from "../../common/names";
import type { ec2 } from "../../generated/aws";

const idOf = (one: ec2.SecurityGroup) => one.GroupId ?? "";

export default function SecurityGroupsPage() {
  const { t } = useTranslation(["security-groups", "common"]);
  const asked = useAws("ec2", "DescribeSecurityGroups", {});
  const remove = useAwsAction("ec2", "DeleteSecurityGroup");
  return (
    <ListPage<ec2.SecurityGroup>
      title={t("title")}
      asked={asked}
      items={asked.data?.SecurityGroups}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", t("id"), idOf, (one) => `/security-groups/${idOf(one)}`),
        textColumn("group", t("groupName"), (group) => group.GroupName),
        vpcColumn(),
        textColumn("description", t("description"), (group) => group.Description),
        textColumn("inbound", t("inbound"), (group) => String(group.IpPermissions?.length ?? 0)),
        textColumn("outbound", t("outbound"), (group) => String(group.IpPermissionsEgress?.length ?? 0)),
      ]}
      empty={{ title: t("empty") }}
      create={{ text: t("create.title"), to: "/security-groups/create" }}
      remove={{
        text: t("common:delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("common:delete")}
            names={chosen.map((one) => idAndName(idOf(one), one))}
            onConfirm={() => Promise.all(chosen.map((one) => remove.mutateAsync({ GroupId: idOf(one) })))}
            onClose={close}
          />
        ),
      }}
    />
  );
}
