import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { CaptureButton } from "../../common/CaptureButton";
import { textColumn } from "../../common/columns";
import { ResourceTable } from "../../common/ResourceTable";
import { SubnetLink } from "../../common/VpcLinks";
import type { ec2, elbv2 } from "../../generated/aws";
import { balancerArn } from "./balancers";
import { EditSubnets } from "./EditSubnets";

/** Zones, subnets, and the address that each node has there. */
export function NetworkTab({ balancer }: { balancer: elbv2.LoadBalancer }) {
  const { t } = useTranslation("load-balancers");
  const [editing, setEditing] = useState(false);
  const { data } = useAws("ec2", "DescribeNetworkInterfaces", {
    Filters: [{ Name: "description", Values: [`ELB ${balancerArn(balancer).split("loadbalancer/")[1] ?? ""}`] }],
  });
  const node = (zone: elbv2.AvailabilityZone): ec2.NetworkInterface | undefined =>
    data?.NetworkInterfaces?.find((one) => one.SubnetId === zone.SubnetId);
  return (
    <>
      <ResourceTable<elbv2.AvailabilityZone>
        title={t("networkMapping")}
        testId="mapping"
        description={t("mappingWhat")}
        variant="container"
        items={balancer.AvailabilityZones ?? []}
        loading={false}
        id={(one) => one.ZoneName ?? ""}
        empty={{ title: t("common:none") }}
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
        columns={[
          textColumn("zone", t("zone"), (one) => one.ZoneName),
          textColumn(
            "subnet",
            t("wizard.subnet"),
            (one) => one.SubnetId,
            (one) => <SubnetLink id={one.SubnetId} />,
          ),
          textColumn("address", t("address"), (one) => node(one)?.PrivateIpAddress),
          textColumn("eni", t("interface"), (one) => node(one)?.NetworkInterfaceId),
          {
            id: "capture",
            header: t("capture"),
            cell: (one) => {
              const eni = node(one)?.NetworkInterfaceId;
              return eni === undefined ? null : <CaptureButton port={eni} variant="inline-icon" />;
            },
            minWidth: 100,
          },
        ]}
      />
      {editing && (
        <EditSubnets
          balancer={balancer}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </>
  );
}
