import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import { useState } from "react";
import { useAws } from "../../api/aws";
import { AwsError } from "../../api/http";
import { textColumn } from "../../common/columns";
import { arnName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { mustSucceed } from "../../common/unsuccessful";
import { useCalls } from "../../common/useCalls";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";
import { useFormat } from "../../i18n/format";
import { acceptable, rejectable } from "./connectionStates";

const idOf = (one: ec2.VpcEndpointConnection) => one.VpcEndpointId ?? "";

/** The tab "Endpoint connections": who wants in, who is in. */
export function ConnectionsPanel({ service }: { service: string }) {
  const { t } = useTranslation(["endpoint-services", "common", "network"]);
  const format = useFormat();
  const notify = useNotify();
  const run = useCalls();
  const { data, isPending, error } = useAws("ec2", "DescribeVpcEndpointConnections", {
    Filters: [{ Name: "service-id", Values: [service] }],
  });
  const { selected, onSelect } = useSelected(data?.VpcEndpointConnections, idOf);
  const [busy, setBusy] = useState(false);
  const answer = async (
    operation: "AcceptVpcEndpointConnections" | "RejectVpcEndpointConnections",
    connections: readonly ec2.VpcEndpointConnection[],
  ) => {
    setBusy(true);
    try {
      const parameters = { ServiceId: service, VpcEndpointIds: connections.map(idOf) };
      await run(async (call) => mustSucceed(await call("ec2", operation, parameters)));
    } catch (refused) {
      if (!(refused instanceof AwsError)) throw refused;
      notify.failure(refused);
    } finally {
      setBusy(false);
    }
  };
  const toAccept = selected.filter((one) => acceptable(one.VpcEndpointState));
  const toReject = selected.filter((one) => rejectable(one.VpcEndpointState));
  return (
    <ResourceTable<ec2.VpcEndpointConnection>
      title={t("connections.title")}
      variant="container"
      items={data?.VpcEndpointConnections}
      loading={isPending}
      error={error}
      id={idOf}
      selection="multi"
      selected={selected}
      onSelect={onSelect}
      columns={[
        textColumn("id", t("connections.endpoint"), idOf),
        textColumn("owner", t("connections.owner"), (one) => one.VpcEndpointOwner),
        textColumn(
          "state",
          t("common:state"),
          (one) => one.VpcEndpointState,
          (one) => <StateOf state={one.VpcEndpointState} />,
        ),
        textColumn("balancer", t("connections.balancer"), (one) =>
          one.GatewayLoadBalancerArns?.map(arnName).join(", "),
        ),
        textColumn("type", t("connections.addressType"), (one) => one.IpAddressType),
        textColumn(
          "created",
          t("network:created"),
          (one) => one.CreationTimestamp,
          (one) => format.date(one.CreationTimestamp),
        ),
      ]}
      empty={{ title: t("connections.empty"), description: t("connections.emptyExplained") }}
      actions={
        <>
          <Button
            data-testid="accept"
            disabled={busy || toAccept.length === 0}
            onClick={() => void answer("AcceptVpcEndpointConnections", toAccept)}
          >
            {t("connections.accept")}
          </Button>
          <Button
            data-testid="reject"
            disabled={busy || toReject.length === 0}
            onClick={() => void answer("RejectVpcEndpointConnections", toReject)}
          >
            {t("connections.reject")}
          </Button>
        </>
      }
    />
  );
}
