import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Actions } from "../../common/Actions";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { arnName } from "../../common/names";
import { loadBalancerPath, targetGroupPath } from "../../common/paths";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { useSelected } from "../../common/useSelected";
import type { elbv2 } from "../../generated/aws";
import { groupArn, groupName, useDeleteGroups, useTargetGroups } from "./groups";

export default function TargetGroupsPage() {
  const { t } = useTranslation("target-groups");
  const navigate = useNavigate();
  const { data, isPending, error } = useTargetGroups();
  const { selected, onSelect, only } = useSelected(data?.TargetGroups, groupArn);
  const remove = useDeleteGroups();
  const [deleting, setDeleting] = useState(false);
  const go = (tab: string) => () => {
    if (only) void navigate(`${targetGroupPath(groupArn(only))}${tab}`);
  };
  const create = (
    <Button variant="primary" data-testid="create" onClick={() => void navigate("/target-groups/create")}>
      {t("create")}
    </Button>
  );
  return (
    <>
      <ResourceTable<elbv2.TargetGroup>
        title={t("title")}
        testId="target-groups"
        items={data?.TargetGroups}
        loading={isPending}
        error={error}
        id={groupArn}
        selection="multi"
        selected={selected}
        onSelect={onSelect}
        empty={{ title: t("empty"), description: t("emptyWhat"), action: create }}
        actions={
          <>
            <Actions
              disabled={selected.length === 0}
              items={[
                { id: "register", text: t("register.title"), disabled: !only, run: go("/register") },
                { id: "health", text: t("editCheck"), disabled: !only, run: go("?tab=health") },
                { id: "attributes", text: t("editAttributes"), disabled: !only, run: go("?tab=attributes") },
                {
                  id: "delete",
                  text: t("common:delete"),
                  run: () => {
                    setDeleting(true);
                  },
                },
              ]}
            />
            {create}
          </>
        }
        columns={[
          textColumn("name", t("groupName"), groupName, (one) => (
            <ResourceLink to={targetGroupPath(groupArn(one))}>{groupName(one)}</ResourceLink>
          )),
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
          textColumn(
            "vpc",
            "VPC",
            (one) => one.VpcId,
            (one) => <ResourceLink to={`/vpcs/${one.VpcId ?? ""}`}>{one.VpcId}</ResourceLink>,
          ),
        ]}
      />
      {deleting && (
        <ConfirmDelete
          title={t("delete")}
          names={selected.map(groupName)}
          onConfirm={() => remove(selected)}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
