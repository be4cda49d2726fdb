import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import { VpcLink } from "../../common/VpcLinks";
import { AutoAssignForm } from "./AutoAssignForm";
import { InterfacesPanel } from "./InterfacesPanel";
import { RouteTableOf } from "./RouteTableOf";

export default function SubnetPage() {
  const { t } = useTranslation(["subnets", "common", "network", "tags"]);
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const notify = useNotify();
  const { data, error } = useAws("ec2", "DescribeSubnets", { SubnetIds: [id] });
  const remove = useAwsAction("ec2", "DeleteSubnet");
  const [asking, ask] = useState<"assign" | "delete" | null>(null);
  const subnet = data?.Subnets?.find((one) => one.SubnetId === id);
  const close = () => {
    ask(null);
  };
  return (
    <>
      <DetailPage
        title={idAndName(id, subnet ?? {})}
        error={error}
        ready={subnet !== undefined}
        actions={
          <Actions
            items={(["assign", "delete"] as const).map((one) => ({
              id: one,
              text: one === "assign" ? t("edit") : t("delete"),
              run: () => {
                ask(one);
              },
            }))}
          />
        }
        details={[
          { label: t("network:subnetId"), value: <Copyable text={id} /> },
          { label: t("common:state"), value: <StateOf state={subnet?.State} /> },
          { label: "VPC", value: <VpcLink id={subnet?.VpcId} /> },
          { label: "IPv4 CIDR", value: subnet?.CidrBlock },
          {
            label: "IPv6 CIDR",
            value: subnet?.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock ?? t("common:none"),
          },
          { label: t("free"), value: String(subnet?.AvailableIpAddressCount ?? "") },
          { label: t("network:zone"), value: subnet?.AvailabilityZone },
          { label: t("network:routeTable"), value: subnet && <RouteTableOf subnet={subnet} /> },
          { label: t("autoPublic"), value: subnet?.MapPublicIpOnLaunch ? t("network:yes") : t("network:no") },
          { label: t("network:owner"), value: subnet?.OwnerId },
        ]}
        notice={<Findings resource={id} />}
        tabs={[
          { id: "interfaces", label: t("interfaces"), content: <InterfacesPanel subnet={id} /> },
          { id: "tags", label: t("tags:title"), content: <TagsPanel id={id} tags={subnet?.Tags} /> },
        ]}
      />
      {subnet && asking === "assign" && <AutoAssignForm subnet={subnet} onClose={close} />}
      {asking === "delete" && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(id, subnet ?? {})]}
          onConfirm={() =>
            remove.mutateAsync({ SubnetId: id }).then(() => {
              notify.success(t("deleted", { id }));
              void navigate("/subnets");
            })
          }
          onClose={close}
        />
      )}
    </>
  );
}
