import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { CaptureButton } from "../../common/CaptureButton";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { ResourceLink } from "../../common/ResourceLink";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import { VpcLink } from "../../common/VpcLinks";
import { useFormat } from "../../i18n/format";
import { DeleteEndpoint } from "./DeleteEndpoint";
import { RoutesHere } from "./RoutesHere";
import { SubnetsPanel } from "./SubnetsPanel";

export default function EndpointPage() {
  const { t } = useTranslation(["endpoints", "common", "network", "tags"]);
  const format = useFormat();
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const notify = useNotify();
  const { data, error } = useAws("ec2", "DescribeVpcEndpoints", { VpcEndpointIds: [id] });
  const [deleting, setDeleting] = useState(false);
  const endpoint = data?.VpcEndpoints?.find((one) => one.VpcEndpointId === id);
  const carries = endpoint?.VpcEndpointType === "GatewayLoadBalancer";
  return (
    <>
      <DetailPage
        title={idAndName(id, endpoint ?? {})}
        error={error}
        ready={endpoint !== undefined}
        actions={
          <>
            {carries && <CaptureButton port={id} />}
            {carries && (
              <Button data-testid="walk" onClick={() => void navigate(`/walk?endpoint=${id}`)}>
                {t("walk")}
              </Button>
            )}
            <Actions
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
          </>
        }
        details={[
          { label: t("id"), value: <Copyable text={id} /> },
          { label: t("type"), value: endpoint?.VpcEndpointType },
          { label: t("status"), value: <StateOf state={endpoint?.State} /> },
          { label: t("network:created"), value: format.date(endpoint?.CreationTimestamp) },
          { label: "VPC", value: <VpcLink id={endpoint?.VpcId} /> },
          { label: t("serviceName"), value: <Copyable text={endpoint?.ServiceName ?? ""} /> },
          { label: t("addressType"), value: endpoint?.IpAddressType },
          { label: t("interfaces"), value: endpoint?.NetworkInterfaceIds?.join(", ") || t("common:none") },
          ...(endpoint?.LastError ? [{ label: t("lastError"), value: endpoint.LastError.Message }] : []),
          ...(endpoint?.DnsEntries?.length
            ? [{ label: t("dnsNames"), value: endpoint.DnsEntries.map((one) => one.DnsName).join(", ") }]
            : []),
        ]}
        notice={<Findings resource={id} />}
        tabs={[
          { id: "subnets", label: t("subnets"), content: endpoint && <SubnetsPanel endpoint={endpoint} /> },
          ...(carries
            ? [
                { id: "routes", label: t("routes"), content: <RoutesHere endpoint={id} vpc={endpoint.VpcId ?? ""} /> },
                {
                  id: "monitoring",
                  label: t("metrics:title"),
                  content: <ResourceLink to={`/metrics?endpoint=${id}`}>{t("metrics:open")}</ResourceLink>,
                },
              ]
            : []),
          { id: "tags", label: t("tags:title"), content: <TagsPanel id={id} tags={endpoint?.Tags} /> },
        ]}
      />
      {deleting && endpoint && (
        <DeleteEndpoint
          endpoint={endpoint}
          onClose={() => {
            setDeleting(false);
          }}
          onDone={() => {
            notify.success(t("deleted", { id }));
            void navigate("/endpoints");
          }}
        />
      )}
    </>
  );
}
