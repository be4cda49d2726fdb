import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName, tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";

const idOf = (vpc: ec2.Vpc) => vpc.VpcId ?? "";

export default function VpcsPage() {
  const { t } = useTranslation(["vpcs", "common", "network"]);
  const navigate = useNavigate();
  const vpcs = useAws("ec2", "DescribeVpcs", {});
  const remove = useAwsAction("ec2", "DeleteVpc");
  const { selected, onSelect, only } = useSelected(vpcs.data?.Vpcs, idOf);
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <ResourceTable<ec2.Vpc>
        title={t("title")}
        items={vpcs.data?.Vpcs}
        loading={vpcs.isPending}
        error={vpcs.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", "VPC ID", idOf, (one) => <ResourceLink to={`/vpcs/${idOf(one)}`}>{idOf(one)}</ResourceLink>),
          textColumn(
            "state",
            t("common:state"),
            (one) => one.State,
            (one) => <StateOf state={one.State} />,
          ),
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
        actions={
          <>
            <Actions
              disabled={!only}
              items={[
                {
                  id: "delete",
                  text: t("delete"),
                  run: () => {
                    setDeleting(true);
                  },
                },
              ]}
            />
            <Button variant="primary" data-testid="create" onClick={() => void navigate("/vpcs/create")}>
              {t("create.title")}
            </Button>
          </>
        }
      />
      {deleting && only && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(idOf(only), only)]}
          onConfirm={() => remove.mutateAsync({ VpcId: idOf(only) })}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
