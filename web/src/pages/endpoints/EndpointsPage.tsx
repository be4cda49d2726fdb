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
import { SubnetLink, VpcLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";
import { useFormat } from "../../i18n/format";
import { DeleteEndpoint } from "./DeleteEndpoint";

const idOf = (endpoint: ec2.VpcEndpoint) => endpoint.VpcEndpointId ?? "";

export default function EndpointsPage() {
  const { t } = useTranslation(["endpoints", "common", "network"]);
  const format = useFormat();
  const navigate = useNavigate();
  const endpoints = useAws("ec2", "DescribeVpcEndpoints", {});
  const { selected, onSelect, only } = useSelected(endpoints.data?.VpcEndpoints, idOf);
  const [deleting, setDeleting] = useState(false);
  const create = (
    <Button variant="primary" data-testid="create" onClick={() => void navigate("/endpoints/create")}>
      {t("create.title")}
    </Button>
  );
  return (
    <>
      <ResourceTable<ec2.VpcEndpoint>
        title={t("title")}
        items={endpoints.data?.VpcEndpoints}
        loading={endpoints.isPending}
        error={endpoints.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", t("id"), idOf, (one) => (
            <ResourceLink to={`/endpoints/${idOf(one)}`}>{idOf(one)}</ResourceLink>
          )),
          textColumn("type", t("type"), (one) => one.VpcEndpointType),
          textColumn(
            "state",
            t("status"),
            (one) => one.State,
            (one) => <StateOf state={one.State} />,
          ),
          textColumn("service", t("serviceName"), (one) => one.ServiceName),
          textColumn(
            "vpc",
            "VPC",
            (one) => one.VpcId,
            (one) => <VpcLink id={one.VpcId} />,
          ),
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
        <DeleteEndpoint
          endpoint={only}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
