/** Targets that were chosen and are not registered yet. */

import type { FieldRules } from "../../../common/fieldErrors";
import type { elbv2 } from "../../../generated/aws";

export interface Pending {
  /** `i-…` or an IPv4 address. */
  id: string;
  /** Only of addresses outside of the VPC: a zone, or `all`. */
  zone?: string;
  /** What tells people which one it is. */
  note: string;
}

/** Each target once; the first choice stays. */
export function withPending(before: readonly Pending[], more: readonly Pending[]): Pending[] {
  const known = new Set(before.map((one) => one.id));
  return [...before, ...more.filter((one) => !known.has(one.id) && known.add(one.id))];
}

/** Addresses as people write lists: by lines, spaces or commas. */
export const addressesIn = (text: string): string[] => text.split(/[\s,;]+/).filter((part) => part !== "");

export const describedTargets = (pending: readonly Pending[]): elbv2.TargetDescription[] =>
  pending.map(({ id, zone }) => (zone === undefined ? { Id: id } : { Id: id, AvailabilityZone: zone }));

export const TARGET_RULES: FieldRules<"targets"> = { targets: /target|instance|IP address|Availability Zone/i };
