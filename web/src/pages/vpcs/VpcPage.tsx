import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { CaptureButton } from "../../common/CaptureButton";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import { BlocksPanel } from "./BlocksPanel";
import { DnsForm } from "./DnsForm";
import { InsidePanel } from "./InsidePanel";

export default function VpcPage() {
  const { t } = useTranslation(["vpcs", "common", "network", "tags"]);
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const notify = useNotify();
  const { data, error } = useAws("ec2", "DescribeVpcs", { VpcIds: [id] });
  const support = useAws("ec2", "DescribeVpcAttribute", { VpcId: id, Attribute: "enableDnsSupport" });
  const hostnames = useAws("ec2", "DescribeVpcAttribute", { VpcId: id, Attribute: "enableDnsHostnames" });
  const remove = useAwsAction("ec2", "DeleteVpc");
  const [asking, ask] = useState<"dns" | "delete" | null>(null);
  const vpc = data?.Vpcs?.find((one) => one.VpcId === id);
  const dns = {
    EnableDnsSupport: support.data?.EnableDnsSupport?.Value ?? false,
    EnableDnsHostnames: hostnames.data?.EnableDnsHostnames?.Value ?? false,
  };
  const close = () => {
    ask(null);
  };
  const on = (yes: boolean) => (yes ? t("enabled") : t("disabled"));
  return (
    <>
      <DetailPage
        title={idAndName(id, vpc ?? {})}
        error={error}
        ready={vpc !== undefined}
        actions={
          <>
            <CaptureButton port={id} />
            <Button data-testid="map" onClick={() => void navigate(`/map?id=${id}`)}>
              {t("network:openMap")}
            </Button>
            <Actions
              items={(["dns", "delete"] as const).map((one) => ({
                id: one,
                text: one === "dns" ? t("dns.title") : t("delete"),
                run: () => {
                  ask(one);
                },
              }))}
            />
          </>
        }
        details={[
          { label: "VPC ID", value: <Copyable text={id} /> },
          { label: t("common:state"), value: <StateOf state={vpc?.State} /> },
          { label: "IPv4 CIDR", value: vpc?.CidrBlock },
          { label: t("default"), value: vpc?.IsDefault ? t("network:yes") : t("network:no") },
          { label: t("dns.support"), value: on(dns.EnableDnsSupport) },
          { label: t("dns.hostnames"), value: on(dns.EnableDnsHostnames) },
          { label: t("dhcp"), value: vpc?.DhcpOptionsId },
          { label: t("network:owner"), value: vpc?.OwnerId },
        ]}
        notice={<Findings resource={id} />}
        tabs={[
          { id: "inside", label: t("inside"), content: <InsidePanel vpc={id} /> },
          { id: "cidrs", label: "CIDR", content: vpc && <BlocksPanel vpc={vpc} /> },
          { id: "tags", label: t("tags:title"), content: <TagsPanel id={id} tags={vpc?.Tags} /> },
        ]}
      />
      {asking === "dns" && <DnsForm vpc={id} before={dns} onClose={close} />}
      {asking === "delete" && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(id, vpc ?? {})]}
          onConfirm={() =>
            remove.mutateAsync({ VpcId: id }).then(() => {
              notify.success(t("deleted", { id }));
              void navigate("/vpcs");
            })
          }
          onClose={close}
        />
      )}
    </>
  );
}
