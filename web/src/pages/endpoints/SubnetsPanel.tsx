import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { ResourceTable } from "../../common/ResourceTable";
import { SubnetLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";

/** The tab "Subnets": where the endpoint stands, with its interface and addresses in each. */
export function SubnetsPanel({ endpoint }: { endpoint: ec2.VpcEndpoint }) {
  const { t } = useTranslation(["endpoints", "network"]);
  const ids = endpoint.NetworkInterfaceIds ?? [];
  const { data, isPending, error } = useAws(
    "ec2",
    "DescribeNetworkInterfaces",
    { NetworkInterfaceIds: ids },
    { enabled: ids.length > 0 },
  );
  return (
    <ResourceTable<ec2.NetworkInterface>
      title={t("subnets")}
      variant="container"
      items={ids.length === 0 ? [] : data?.NetworkInterfaces}
      loading={isPending}
      error={error}
      id={(one) => one.NetworkInterfaceId ?? ""}
      columns={[
        textColumn(
          "subnet",
          t("network:subnetId"),
          (one) => one.SubnetId,
          (one) => <SubnetLink id={one.SubnetId} />,
        ),
        textColumn("zone", t("network:zone"), (one) => one.AvailabilityZone),
        textColumn("interface", t("interface"), (one) => one.NetworkInterfaceId),
        textColumn("ipv4", t("ipv4"), (one) => one.PrivateIpAddress),
        textColumn("ipv6", t("ipv6"), (one) => one.Ipv6Addresses?.map((each) => each.Ipv6Address).join(", ")),
      ]}
      empty={{ title: t("noSubnets") }}
    />
  );
}
