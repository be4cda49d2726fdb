import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { linkColumn, textColumn, vpcColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { arnName } from "../../common/names";
import { loadBalancerPath, targetGroupPath } from "../../common/paths";
import { ResourceLink } from "../../common/ResourceLink";
import type { elbv2 } from "../../generated/aws";
import { groupArn, groupName, useDeleteGroups, useTargetGroups } from "./groups";

export default function TargetGroupsPage() {
  const { t } = useTranslation("target-groups");
  const navigate = useNavigate();
  const asked = useTargetGroups();
  const remove = useDeleteGroups();
  return (
    <ListPage<elbv2.TargetGroup>
      title={t("title")}
      testId="target-groups"
      asked={asked}
      items={asked.data?.TargetGroups}
      id={groupArn}
      selection="multi"
      columns={[
        linkColumn("name", t("groupName"), groupName, (one) => targetGroupPath(groupArn(one))),
        textColumn("protocol", t("protocol"), (one) => one.Protocol),
        textColumn("port", t("port"), (one) => String(one.Port ?? "")),
        textColumn("type", t("targetType"), (one) => t(`types.${one.TargetType === "ip" ? "ip" : "instance"}`)),
        textColumn(
          "lb",
          t("loadBalancer"),
          (one) => one.LoadBalancerArns?.map(arnName).join(", ") || t("notAssociated"),
          (one) =>
            one.LoadBalancerArns?.[0] && (
              <ResourceLink to={loadBalancerPath(one.LoadBalancerArns[0])}>
                {arnName(one.LoadBalancerArns[0])}
              </ResourceLink>
            ),
        ),
        vpcColumn(),
      ]}
      empty={{ title: t("empty"), description: t("emptyWhat") }}
      create={{ text: t("create"), to: "/target-groups/create" }}
      actions={([first, ...more]) => {
        const disabled = more.length > 0;
        const go = (part: string) => () => first && void navigate(`${targetGroupPath(groupArn(first))}${part}`);
        return [
          { id: "register", text: t("register.title"), disabled, run: go("/register") },
          { id: "health", text: t("editCheck"), disabled, run: go("?tab=health") },
          { id: "attributes", text: t("editAttributes"), disabled, run: go("?tab=attributes") },
        ];
      }}
      remove={{
        text: t("common:delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("delete")}
            names={chosen.map(groupName)}
            onConfirm={() => remove(chosen)}
            onClose={close}
          />
        ),
      }}
    />
  );
}
