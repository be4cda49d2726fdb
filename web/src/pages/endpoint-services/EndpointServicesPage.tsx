import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";
import { DeleteService } from "./DeleteService";

const idOf = (service: ec2.ServiceConfiguration) => service.ServiceId ?? "";

export default function EndpointServicesPage() {
  const { t } = useTranslation(["endpoint-services", "common", "network"]);
  const navigate = useNavigate();
  const services = useAws("ec2", "DescribeVpcEndpointServiceConfigurations", {});
  const { selected, onSelect, only } = useSelected(services.data?.ServiceConfigurations, idOf);
  const [deleting, setDeleting] = useState(false);
  const create = (
    <Button variant="primary" data-testid="create" onClick={() => void navigate("/endpoint-services/create")}>
      {t("create.title")}
    </Button>
  );
  return (
    <>
      <ResourceTable<ec2.ServiceConfiguration>
        title={t("title")}
        items={services.data?.ServiceConfigurations}
        loading={services.isPending}
        error={services.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", t("serviceId"), idOf, (one) => (
            <ResourceLink to={`/endpoint-services/${idOf(one)}`}>{idOf(one)}</ResourceLink>
          )),
          textColumn("service-name", t("serviceName"), (one) => one.ServiceName),
          textColumn("type", t("type"), (one) => one.ServiceType?.[0]?.ServiceType),
          textColumn(
            "state",
            t("common:state"),
            (one) => one.ServiceState,
            (one) => <StateOf state={one.ServiceState?.toLowerCase()} />,
          ),
          textColumn("acceptance", t("acceptanceRequired"), (one) =>
            one.AcceptanceRequired ? t("network:yes") : t("network:no"),
          ),
          textColumn("zones", t("network:zones"), (one) => one.AvailabilityZones?.join(", ")),
        ]}
        empty={{ title: t("empty"), description: t("emptyExplained"), action: create }}
        actions={
          <>
            <Actions
              disabled={!only}
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
            {create}
          </>
        }
      />
      {deleting && only && (
        <DeleteService
          service={only}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
