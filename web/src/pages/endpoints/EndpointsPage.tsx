import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { linkColumn, stateColumn, textColumn, vpcColumn } from "../../common/columns";
import { ListPage } from "../../common/ListPage";
import { tagName } from "../../common/names";
import { SubnetLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";
import { useFormat } from "../../i18n/format";
import { DeleteEndpoint } from "./DeleteEndpoint";

const idOf = (one: ec2.VpcEndpoint) => one.VpcEndpointId ?? "";

export default function EndpointsPage() {
  const { t } = useTranslation(["endpoints", "common", "network"]);
  const format = useFormat();
  const asked = useAws("ec2", "DescribeVpcEndpoints", {});
  return (
    <ListPage<ec2.VpcEndpoint>
      title={t("title")}
      asked={asked}
      items={asked.data?.VpcEndpoints}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", t("id"), idOf, (one) => `/endpoints/${idOf(one)}`),
        textColumn("type", t("type"), (one) => one.VpcEndpointType),
        stateColumn(t("status"), (one) => one.State),
        textColumn("service", t("serviceName"), (one) => one.ServiceName),
        vpcColumn(),
        textColumn(
          "subnet",
          t("subnet"),
          (one) => one.SubnetIds?.join(" "),
          (one) => <SubnetLink id={one.SubnetIds?.[0]} />,
        ),
        textColumn("interfaces", t("interfaces"), (one) => one.NetworkInterfaceIds?.join(", ")),
        textColumn(
          "created",
          t("network:created"),
          (one) => one.CreationTimestamp,
          (one) => format.date(one.CreationTimestamp),
        ),
      ]}
      empty={{ title: t("empty"), description: t("emptyExplained") }}
      create={{ text: t("create.title"), to: "/endpoints/create" }}
      remove={{
        text: t("delete"),
        dialog: ([one], close) => one && <DeleteEndpoint endpoint={one} onClose={close} />,
      }}
    />
  );
}
