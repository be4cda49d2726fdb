import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { DetailPage } from "../../common/DetailPage";
import { idAndName } from "../../common/names";
import { TagsPanel } from "../../common/TagsPanel";
import { SubnetLink, VpcLink } from "../../common/VpcLinks";
import { EditSubnets } from "./EditSubnets";
import { EntriesTable } from "./EntriesTable";

export default function NetworkAclPage() {
  const { t } = useTranslation(["network-acls", "network"]);
  const { id = "" } = useParams();
  const [editing, setEditing] = useState(false);
  const answer = useAws("ec2", "DescribeNetworkAcls", { NetworkAclIds: [id] });
  const acl = answer.data?.NetworkAcls?.[0];
  return (
    <DetailPage
      title={acl ? idAndName(id, acl) : id}
      error={answer.error}
      ready={acl !== undefined}
      actions={
        <Button
          data-testid="edit-subnets"
          onClick={() => {
            setEditing(true);
          }}
        >
          {t("editSubnets")}
        </Button>
      }
      notice={
        editing &&
        acl && (
          <EditSubnets
            acl={acl}
            onClose={() => {
              setEditing(false);
            }}
          />
        )
      }
      details={[
        { label: t("id"), value: id },
        { label: "VPC", value: <VpcLink id={acl?.VpcId} /> },
        { label: t("default"), value: acl?.IsDefault ? t("network:yes") : t("network:no") },
        { label: t("network:owner"), value: acl?.OwnerId },
        {
          label: t("subnets"),
          value: (
            <SpaceBetween size="xxs">
              {acl?.Associations?.map((one) => (
                <SubnetLink key={one.SubnetId} id={one.SubnetId} />
              ))}
            </SpaceBetween>
          ),
        },
      ]}
      tabs={[
        ...(["inbound", "outbound"] as const).map((direction) => ({
          id: direction,
          label: t(direction),
          content: acl && <EntriesTable acl={acl} direction={direction} />,
        })),
        { id: "tags", label: t("tags"), content: <TagsPanel id={id} tags={acl?.Tags} /> },
      ]}
    />
  );
}
