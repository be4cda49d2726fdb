import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws } from "../../api/aws";
import { AttributesPanel } from "../../common/AttributesPanel";
import { CaptureButton } from "../../common/CaptureButton";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { ElbTags } from "../../common/ElbTags";
import { arnName } from "../../common/names";
import { loadBalancerPath } from "../../common/paths";
import { ResourceLink } from "../../common/ResourceLink";
import { VpcLink } from "../../common/VpcLinks";
import { groupArn, groupName, useDeleteGroups, useTargetGroup } from "./groups";
import { HealthCheckTab } from "./HealthCheckTab";
import { TargetsTab } from "./TargetsTab";

export default function TargetGroupPage() {
  const { t } = useTranslation("target-groups");
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const { group, error } = useTargetGroup(id);
  const arn = group ? groupArn(group) : "";
  const attributes = useAws("elbv2", "DescribeTargetGroupAttributes", { TargetGroupArn: arn }, { enabled: arn !== "" });
  const remove = useDeleteGroups();
  const [deleting, setDeleting] = useState(false);
  const balancer = group?.LoadBalancerArns?.[0];
  return (
    <>
      <DetailPage
        title={group ? groupName(group) : id}
        error={error}
        ready={group !== undefined}
        actions={
          group && (
            <>
              <CaptureButton port={arn} />
              <Button
                data-testid="delete"
                onClick={() => {
                  setDeleting(true);
                }}
              >
                {t("common:delete")}
              </Button>
            </>
          )
        }
        details={[
          { label: t("targetType"), value: group && t(`types.${group.TargetType === "ip" ? "ip" : "instance"}`) },
          { label: t("protocolPort"), value: `${group?.Protocol ?? ""}: ${String(group?.Port ?? "")}` },
          { label: "VPC", value: <VpcLink id={group?.VpcId} /> },
          {
            label: t("loadBalancer"),
            value:
              balancer === undefined ? (
                t("notAssociated")
              ) : (
                <ResourceLink to={loadBalancerPath(balancer)}>{arnName(balancer)}</ResourceLink>
              ),
          },
          { label: t("arn"), value: <Copyable text={arn} testId="arn" /> },
        ]}
        tabs={
          group
            ? [
                { id: "targets", label: t("targets"), content: <TargetsTab key={arn} group={arn} /> },
                {
                  id: "monitoring",
                  label: t("monitoring"),
                  content: balancer ? (
                    <ResourceLink to={`/metrics?loadBalancer=${encodeURIComponent(balancer)}`}>
                      {t("openMetrics")}
                    </ResourceLink>
                  ) : (
                    t("notAssociated")
                  ),
                },
                { id: "health", label: t("check.title"), content: <HealthCheckTab group={group} /> },
                {
                  id: "attributes",
                  label: t("attributes:title"),
                  content: (
                    <AttributesPanel
                      arn={arn}
                      operation="ModifyTargetGroupAttributes"
                      attributes={attributes.data?.Attributes}
                      error={attributes.error}
                    />
                  ),
                },
                { id: "tags", label: t("tags:title"), content: <ElbTags arn={arn} /> },
              ]
            : []
        }
      />
      {deleting && group && (
        <ConfirmDelete
          title={t("delete")}
          names={[groupName(group)]}
          onConfirm={async () => {
            await remove([group]);
            await navigate("/target-groups");
          }}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
