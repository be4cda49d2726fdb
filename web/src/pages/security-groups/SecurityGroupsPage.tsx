import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName, tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import type { ec2 } from "../../generated/aws";

export default function SecurityGroupsPage() {
  const { t } = useTranslation(["security-groups", "common"]);
  const navigate = useNavigate();
  const groups = useAws("ec2", "DescribeSecurityGroups", {});
  const remove = useAwsAction("ec2", "DeleteSecurityGroup");
  const [selected, select] = useState<ec2.SecurityGroup[]>([]);
  const [deleting, setDeleting] = useState(false);
  const one = selected[0];
  return (
    <>
      <ResourceTable
        title={t("title")}
        items={groups.data?.SecurityGroups}
        loading={groups.isPending}
        error={groups.error}
        id={(group) => group.GroupId ?? ""}
        selected={selected}
        onSelect={select}
        columns={[
          { id: "name", header: t("common:name"), cell: (group) => tagName(group) || "–" },
          {
            id: "id",
            header: t("id"),
            sortingField: "GroupId",
            cell: (group) => (
              <ResourceLink to={`/security-groups/${group.GroupId ?? ""}`}>{group.GroupId}</ResourceLink>
            ),
          },
          { id: "group", header: t("groupName"), sortingField: "GroupName", cell: (group) => group.GroupName },
          {
            id: "vpc",
            header: "VPC",
            sortingField: "VpcId",
            cell: (group) => <ResourceLink to={`/vpcs/${group.VpcId ?? ""}`}>{group.VpcId}</ResourceLink>,
          },
          { id: "description", header: t("description"), cell: (group) => group.Description },
          { id: "inbound", header: t("inbound"), cell: (group) => String(group.IpPermissions?.length ?? 0) },
          { id: "outbound", header: t("outbound"), cell: (group) => String(group.IpPermissionsEgress?.length ?? 0) },
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
          onConfirm={() =>
            remove.mutateAsync({ GroupId: one.GroupId }).then(() => {
              select([]);
            })
          }
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
