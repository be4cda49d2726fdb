import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { linkColumn, stateColumn, textColumn } from "../../common/columns";
import { ListPage } from "../../common/ListPage";
import { tagName } from "../../common/names";
import type { ec2 } from "../../generated/aws";
import { DeleteService } from "./DeleteService";

const idOf = (one: ec2.ServiceConfiguration) => one.ServiceId ?? "";

export default function EndpointServicesPage() {
  const { t } = useTranslation(["endpoint-services", "common", "network"]);
  const asked = useAws("ec2", "DescribeVpcEndpointServiceConfigurations", {});
  return (
    <ListPage<ec2.ServiceConfiguration>
      title={t("title")}
      asked={asked}
      items={asked.data?.ServiceConfigurations}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", t("serviceId"), idOf, (one) => `/endpoint-services/${idOf(one)}`),
        textColumn("service-name", t("serviceName"), (one) => one.ServiceName),
        textColumn("type", t("type"), (one) => one.ServiceType?.[0]?.ServiceType),
        stateColumn(t("common:state"), (one) => one.ServiceState?.toLowerCase()),
        textColumn("acceptance", t("acceptanceRequired"), (one) =>
          one.AcceptanceRequired ? t("network:yes") : t("network:no"),
        ),
        textColumn("zones", t("network:zones"), (one) => one.AvailabilityZones?.join(", ")),
      ]}
      empty={{ title: t("empty"), description: t("emptyExplained") }}
      create={{ text: t("create.title"), to: "/endpoint-services/create" }}
      remove={{
        text: t("delete"),
        dialog: ([one], close) => one && <DeleteService service={one} onClose={close} />,
      }}
    />
  );
}
