import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import type { ec2 } from "../../generated/aws";

/** Who has an address in the subnet. */
export function InterfacesPanel({ subnet }: { subnet: string }) {
  const { t } = useTranslation(["subnets", "common"]);
  const { data, isPending, error } = useAws("ec2", "DescribeNetworkInterfaces", {
    Filters: [{ Name: "subnet-id", Values: [subnet] }],
  });
  return (
    <ResourceTable<ec2.NetworkInterface>
      title={t("interfaces")}
      variant="container"
      items={data?.NetworkInterfaces}
      loading={isPending}
      error={error}
      id={(one) => one.NetworkInterfaceId ?? ""}
      columns={[
        textColumn("id", "ID", (one) => one.NetworkInterfaceId),
        textColumn("type", t("interfaceType"), (one) => one.InterfaceType),
        textColumn("address", t("address"), (one) => one.PrivateIpAddress),
        textColumn("public", t("publicAddress"), (one) => one.Association?.PublicIp),
        textColumn("instance", t("instance"), (one) => one.Attachment?.InstanceId),
        textColumn(
          "state",
          t("common:state"),
          (one) => one.Status,
          (one) => <StateOf state={one.Status} />,
        ),
      ]}
      empty={{ title: t("noInterfaces") }}
    />
  );
}
