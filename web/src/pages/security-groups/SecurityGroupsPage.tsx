import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { textColumn } from "../../common/columns";
import { idAndName, tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";

export default function SecurityGroupsPage() {
  const { t } = useTranslation(["security-groups", "common"]);
  const navigate = useNavigate();
  const groups = useAws("ec2", "DescribeSecurityGroups", {});
  const remove = useAwsAction("ec2", "DeleteSecurityGroup");
  const { selected, onSelect, only: one } = useSelected(groups.data?.SecurityGroups, (group) => group.GroupId ?? "");
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <ResourceTable<ec2.SecurityGroup>
        title={t("title")}
        items={groups.data?.SecurityGroups}
        loading={groups.isPending}
        error={groups.error}
        id={(group) => group.GroupId ?? ""}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn(
            "id",
            t("id"),
            (group) => group.GroupId,
            (group) => <ResourceLink to={`/security-groups/${group.GroupId ?? ""}`}>{group.GroupId}</ResourceLink>,
          ),
          textColumn("group", t("groupName"), (group) => group.GroupName),
          textColumn(
            "vpc",
            "VPC",
            (group) => group.VpcId,
            (group) => <ResourceLink to={`/vpcs/${group.VpcId ?? ""}`}>{group.VpcId}</ResourceLink>,
          ),
          textColumn("description", t("description"), (group) => group.Description),
          textColumn("inbound", t("inbound"), (group) => String(group.IpPermissions?.length ?? 0)),
          textColumn("outbound", t("outbound"), (group) => String(group.IpPermissionsEgress?.length ?? 0)),
        ]}
        empty={{ title: t("empty") }}
        actions={
          <>
            <Button
              disabled={!one}
              data-testid="delete"
              onClick={() => {
                setDeleting(true);
              }}
            >
              {t("common:delete")}
            </Button>
            <Button variant="primary" data-testid="create" onClick={() => void navigate("/security-groups/create")}>
              {t("create.title")}
            </Button>
          </>
        }
      />
      {deleting && one && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(one.GroupId, one)]}
          onConfirm={() => remove.mutateAsync({ GroupId: one.GroupId })}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
