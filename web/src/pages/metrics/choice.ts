/** What the page shows is in its address, so that other pages and people can link to it. */

import { type Namespace, NAMESPACES, type Statistic, STATISTICS } from "./namespaces";

/** Seconds. */
export const PERIODS = [60, 300, 900, 3600] as const;
export const RANGES = [900, 3600, 10_800, 43_200, 86_400, 259_200, 604_800] as const;
const PERIOD = 60;
const RANGE = 3600;
/** Basic monitoring has a data point every five minutes. */
const EC2_PERIOD = 300;
const EC2_RANGE = 10_800;

export interface Choice {
  namespace: Namespace;
  /** The dimension's value; null for the first there is. */
  resource: string | null;
  split: string | null;
  /** Null: of each metric the one that says most. */
  statistic: Statistic | null;
  period: number;
  range: number;
}

export function choiceOf(query: URLSearchParams): Choice {
  const namespace =
    NAMESPACES.find((one) => query.has(one.word)) ??
    NAMESPACES.find((one) => one.name === query.get("namespace")) ??
    NAMESPACES[0];
  const given = query.get(namespace.word);
  const instances = namespace.word === "instance";
  return {
    namespace,
    resource: given === null || given === "" ? null : dimensionValue(given),
    split: namespace.splits.find((one) => one === query.get("split")) ?? null,
    statistic: STATISTICS.find((one) => one === query.get("statistic")) ?? null,
    period: PERIODS.find((one) => String(one) === query.get("period")) ?? (instances ? EC2_PERIOD : PERIOD),
    range: RANGES.find((one) => String(one) === query.get("range")) ?? (instances ? EC2_RANGE : RANGE),
  };
}

/** Of a load balancer's ARN its end, which CloudWatch knows it by; anything else as it is. */
const dimensionValue = (given: string): string => given.split(":loadbalancer/").at(-1) ?? given;

export function addressOf({ namespace, resource, split, statistic, period, range }: Choice): Record<string, string> {
  return {
    ...(resource === null ? { namespace: namespace.name } : { [namespace.word]: resource }),
    ...(split === null ? {} : { split }),
    ...(statistic === null ? {} : { statistic }),
    period: String(period),
    range: String(range),
  };
}
