import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { TFunction } from "i18next";
import { RowLink } from "../../common/RowLink";
import type { VirtualColumn } from "../../common/VirtualGrid";
import type { Format } from "../../i18n/format";
import { destinationOf, type Flow, sourceOf } from "./flow";

const VERDICTS: Record<string, StatusIndicatorProps.Type> = {
  decapsulated: "success",
  encapsulated: "pending",
  no_targets: "error",
  tcp_reset_unhealthy: "warning",
  tcp_reset_deregistered: "warning",
};

export function VerdictOf({ verdict }: { verdict: string }) {
  return <StatusIndicator type={VERDICTS[verdict] ?? "info"}>{verdict}</StatusIndicator>;
}

export function TargetOf({ flow, link: Link }: { flow: Flow; link: typeof RowLink }) {
  if (flow.target === null) return <>–</>;
  const name = flow.target_name ?? flow.target;
  return flow.target.startsWith("i-") ? <Link to={`/instances/${flow.target}`}>{name}</Link> : <>{name}</>;
}

export function flowColumns(t: TFunction, format: Format, duration: (s: number) => string): VirtualColumn<Flow>[] {
  const both = (there: number, back: number, say: (value: number) => string) => `${say(there)} / ${say(back)}`;
  return [
    { id: "source", header: t("source"), width: 170, cell: sourceOf, sortingValue: sourceOf },
    { id: "destination", header: t("destination"), width: 150, cell: destinationOf, sortingValue: destinationOf },
    {
      id: "protocol",
      header: t("protocol"),
      width: 90,
      cell: (flow) => flow.protocol,
      sortingValue: (flow) => flow.protocol,
    },
    {
      id: "endpoint",
      header: t("endpoint"),
      width: 180,
      cell: (flow) => <RowLink to={`/endpoints/${flow.endpoint}`}>{flow.endpoint}</RowLink>,
      sortingValue: (flow) => flow.endpoint,
    },
    {
      id: "target",
      header: t("target"),
      width: 120,
      cell: (flow) => <TargetOf flow={flow} link={RowLink} />,
      sortingValue: (flow) => flow.target_name ?? flow.target,
    },
    { id: "zone", header: t("zone"), width: 110, cell: (flow) => flow.zone ?? "–", sortingValue: (flow) => flow.zone },
    {
      id: "age",
      header: t("age"),
      width: 80,
      align: "end",
      cell: (flow) => duration(flow.age_s),
      sortingValue: (flow) => flow.age_s,
    },
    {
      id: "idle",
      header: t("idle"),
      width: 80,
      align: "end",
      cell: (flow) => duration(flow.idle_s),
      sortingValue: (flow) => flow.idle_s,
    },
    {
      id: "packets",
      header: t("packets"),
      width: 110,
      align: "end",
      cell: (flow) => both(flow.packets_forward, flow.packets_backward, format.short),
      sortingValue: (flow) => flow.packets,
    },
    {
      id: "bytes",
      header: t("bytes"),
      width: 150,
      align: "end",
      cell: (flow) => both(flow.bytes_forward, flow.bytes_backward, format.bytes),
      sortingValue: (flow) => flow.bytes,
    },
    {
      id: "verdict",
      header: t("verdict"),
      width: 150,
      cell: (flow) => <VerdictOf verdict={flow.verdict} />,
      sortingValue: (flow) => flow.verdict,
    },
  ];
}
