import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import { AcceptanceForm } from "./AcceptanceForm";
import { BalancersForm } from "./BalancersForm";
import { BalancersPanel } from "./BalancersPanel";
import { ConnectionsPanel } from "./ConnectionsPanel";
import { DeleteService } from "./DeleteService";
import { PrincipalsPanel } from "./PrincipalsPanel";
import { AddressTypesForm } from "./AddressTypesForm";

type Asking = "delete" | "acceptance" | "balancers" | "types";

export default function EndpointServicePage() {
  const { t } = useTranslation(["endpoint-services", "common", "network", "tags"]);
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const notify = useNotify();
  const { data, error } = useAws("ec2", "DescribeVpcEndpointServiceConfigurations", { ServiceIds: [id] });
  const [asking, ask] = useState<Asking | null>(null);
  const service = data?.ServiceConfigurations?.find((one) => one.ServiceId === id);
  const close = () => {
    ask(null);
  };
  const menu = (item: Asking, text: string) => ({
    id: item,
    text,
    run: () => {
      ask(item);
    },
  });
  return (
    <>
      <DetailPage
        title={idAndName(id, service ?? {})}
        error={error}
        ready={service !== undefined}
        actions={
          <Actions
            items={[
              menu("acceptance", t("modifyAcceptance")),
              menu("balancers", t("modifyBalancers")),
              menu("types", t("modifyTypes")),
              menu("delete", t("delete")),
            ]}
          />
        }
        details={[
          { label: t("serviceId"), value: <Copyable text={id} /> },
          {
            label: t("serviceName"),
            value: <Copyable text={service?.ServiceName ?? ""} testId="service-name" />,
          },
          { label: t("type"), value: service?.ServiceType?.[0]?.ServiceType },
          { label: t("common:state"), value: <StateOf state={service?.ServiceState?.toLowerCase()} /> },
          {
            label: t("acceptanceRequired"),
            value: service?.AcceptanceRequired ? t("network:yes") : t("network:no"),
          },
          { label: t("addressTypes"), value: service?.SupportedIpAddressTypes?.join(", ") },
          { label: t("network:zones"), value: service?.AvailabilityZones?.join(", ") || t("common:none") },
        ]}
        notice={<Findings resource={id} />}
        tabs={[
          { id: "load-balancers", label: t("loadBalancers"), content: service && <BalancersPanel service={service} /> },
          { id: "principals", label: t("principals.title"), content: <PrincipalsPanel service={id} /> },
          { id: "connections", label: t("connections.title"), content: <ConnectionsPanel service={id} /> },
          { id: "tags", label: t("tags:title"), content: <TagsPanel id={id} tags={service?.Tags} /> },
        ]}
      />
      {service && asking === "acceptance" && <AcceptanceForm service={service} onClose={close} />}
      {service && asking === "balancers" && <BalancersForm service={service} onClose={close} />}
      {service && asking === "types" && <AddressTypesForm service={service} onClose={close} />}
      {service && asking === "delete" && (
        <DeleteService
          service={service}
          onClose={close}
          onDone={() => {
            notify.success(t("deleted", { id }));
            void navigate("/endpoint-services");
          }}
        />
      )}
    </>
  );
}
