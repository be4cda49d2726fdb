import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName, tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { useSelected } from "../../common/useSelected";
import { VpcLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";

const idOf = (acl: ec2.NetworkAcl) => acl.NetworkAclId ?? "";

export default function NetworkAclsPage() {
  const { t } = useTranslation(["network-acls", "common", "network"]);
  const navigate = useNavigate();
  const answer = useAws("ec2", "DescribeNetworkAcls", {});
  const remove = useAwsAction("ec2", "DeleteNetworkAcl");
  const { selected, onSelect, only } = useSelected(answer.data?.NetworkAcls, idOf);
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <ResourceTable<ec2.NetworkAcl>
        title={t("title")}
        items={answer.data?.NetworkAcls}
        loading={answer.isPending}
        error={answer.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", t("id"), idOf, (acl) => (
            <ResourceLink to={`/network-acls/${idOf(acl)}`}>{idOf(acl)}</ResourceLink>
          )),
          textColumn("subnets", t("subnets"), (acl) => String(acl.Associations?.length ?? 0)),
          textColumn("default", t("default"), (acl) => (acl.IsDefault ? t("network:yes") : t("network:no"))),
          textColumn(
            "vpc",
            "VPC",
            (acl) => acl.VpcId,
            (acl) => <VpcLink id={acl.VpcId} />,
          ),
          textColumn("owner", t("network:owner"), (acl) => acl.OwnerId),
        ]}
        empty={{ title: t("empty") }}
        actions={
          <>
            <Button
              data-testid="delete"
              disabled={!only}
              onClick={() => {
                setDeleting(true);
              }}
            >
              {t("delete")}
            </Button>
            <Button variant="primary" data-testid="create" onClick={() => void navigate("/network-acls/create")}>
              {t("create.title")}
            </Button>
          </>
        }
      />
      {deleting && only && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(idOf(only), only)]}
          onConfirm={() => remove.mutateAsync({ NetworkAclId: idOf(only) })}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
