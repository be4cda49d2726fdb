import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
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
import { Findings } from "../../common/Findings";
import { ResourceLink } from "../../common/ResourceLink";
import { StateOf } from "../../common/StateOf";
import { VpcLink } from "../../common/VpcLinks";
import { useFormat } from "../../i18n/format";
import { balancerArn, balancerName, useDeleteBalancers, useLoadBalancer, zonesOf } from "./balancers";
import { ListenersTab } from "./ListenersTab";
import { NetworkTab } from "./NetworkTab";

export default function LoadBalancerPage() {
  const { t } = useTranslation("load-balancers");
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const format = useFormat();
  const { balancer, error } = useLoadBalancer(id);
  const arn = balancer ? balancerArn(balancer) : "";
  const attributes = useAws(
    "elbv2",
    "DescribeLoadBalancerAttributes",
    { LoadBalancerArn: arn },
    { enabled: arn !== "" },
  );
  const remove = useDeleteBalancers();
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <DetailPage
        title={balancer ? balancerName(balancer) : id}
        error={error}
        ready={balancer !== undefined}
        actions={
          balancer && (
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
        notice={<Findings resource={arn} field={["Listeners", "Subnets"]} />}
        details={[
          { label: t("type"), value: t("types.gateway") },
          { label: t("common:state"), value: <StateOf state={balancer?.State?.Code} /> },
          { label: "VPC", value: <VpcLink id={balancer?.VpcId} /> },
          { label: t("ipAddressType"), value: balancer?.IpAddressType },
          { label: t("zones"), value: balancer ? format.list(zonesOf(balancer)) : "" },
          { label: t("dnsName"), value: t("noDns") },
          { label: t("created"), value: format.date(balancer?.CreatedTime) },
          { label: t("arn"), value: <Copyable text={arn} testId="arn" /> },
        ]}
        tabs={
          balancer
            ? [
                {
                  id: "listeners",
                  label: t("listeners.title"),
                  content: <ListenersTab balancer={balancer} />,
                },
                { id: "network", label: t("networkMapping"), content: <NetworkTab balancer={balancer} /> },
                {
                  id: "map",
                  label: t("resourceMap"),
                  content: (
                    <SpaceBetween size="s">
                      {t("resourceMapWhat")}
                      <ResourceLink to={`/map?id=${encodeURIComponent(arn)}`}>{t("openMap")}</ResourceLink>
                    </SpaceBetween>
                  ),
                },
                {
                  id: "monitoring",
                  label: t("monitoring"),
                  content: (
                    <SpaceBetween size="s">
                      {t("monitoringWhat")}
                      <ResourceLink to={`/metrics?loadBalancer=${encodeURIComponent(arn)}`}>
                        {t("openMetrics")}
                      </ResourceLink>
                    </SpaceBetween>
                  ),
                },
                {
                  id: "attributes",
                  label: t("attributes:title"),
                  content: (
                    <AttributesPanel
                      arn={arn}
                      operation="ModifyLoadBalancerAttributes"
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
      {deleting && balancer && (
        <ConfirmDelete
          title={t("delete")}
          names={[balancerName(balancer)]}
          onConfirm={async () => {
            await remove([balancer]);
            await navigate("/load-balancers");
          }}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
