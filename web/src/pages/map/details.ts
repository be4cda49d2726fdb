/** What the side panel says of a node: label keys of namespace `map` with their values; what a node does not have is left out. */

import type { MapDetail, MapNode } from "../../generated/read-api";

export interface Fact {
  label: string;
  values: readonly string[];
}

const LISTS = ["cidrs", "addresses", "public_addresses", "network_interfaces", "associations"] as const;
const SINGLE = ["subnet", "service_name", "target_type", "port", "image", "instance_type"] as const;

export function facts(node: MapNode): Fact[] {
  const detail = node.detail;
  return [
    { label: "account", values: node.account === null ? [] : [node.account] },
    { label: "vpc", values: node.vpc === null || node.kind === "vpc" ? [] : [node.vpc] },
    { label: "zone", values: node.zone === null ? [] : [node.zone] },
    ...LISTS.map((label) => ({ label, values: (detail[label] ?? []).filter((value) => value !== "") })),
    ...SINGLE.map((label) => ({ label, values: texts(detail[label]) })),
    { label: "nodes", values: (detail.zones ?? []).map((zone) => `${zone.zone}: ${zone.address ?? "–"}`) },
    { label: "check", values: checkOf(detail) },
    ...Object.entries(detail.attributes ?? {}).map(([label, value]) => ({ label: `=${label}`, values: [value] })),
  ].filter((fact) => fact.values.length > 0);
}

const texts = (value: string | number | null | undefined): string[] =>
  value === null || value === undefined ? [] : [String(value)];

function checkOf({ check }: MapDetail): string[] {
  if (!check) return [];
  const where = `${check.protocol} ${check.port}${check.path ?? ""}${check.matcher ? ` = ${check.matcher}` : ""}`;
  const counts = `${String(check.healthy_threshold)} / ${String(check.unhealthy_threshold)}`;
  return [where, `${String(check.interval_s)} s, ${String(check.timeout_s)} s, ${counts}`];
}
