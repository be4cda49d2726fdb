/** Where in the console a thing is seen, and where a fix is made. */

import { loadBalancerPath, targetGroupPath } from "../../common/paths";
import type { Fix } from "../../generated/read-api";

/** network interface -> the instance that it is attached to: interfaces are shown on their instance's page. */
export type Owners = ReadonlyMap<string, string>;

const FOLDERS: Record<string, string> = {
  i: "instances",
  igw: "internet-gateways",
  vpce: "endpoints",
  rtb: "route-tables",
  vpc: "vpcs",
  subnet: "subnets",
  sg: "security-groups",
  acl: "network-acls",
};

/** The resource's page; null where it has none. */
export function pathOf(id: string, owners: Owners): string | null {
  if (id.includes(":targetgroup/")) return targetGroupPath(id);
  if (id.includes(":loadbalancer/")) return loadBalancerPath(id);
  const shown = id.startsWith("eni-") ? (owners.get(id) ?? "") : id;
  const folder = FOLDERS[shown.split("-")[0] ?? ""];
  return folder === undefined ? null : `/${folder}/${shown}`;
}

const ID = /\b((?:i|igw|vpce|rtb|vpc|subnet|sg|acl|eni)-[0-9a-f]{8,17})\b/;

/** A sentence in pieces: every second one is an id. */
export const idsIn = (sentence: string): string[] => sentence.split(ID);

/** The page with the field itself, where that is a page of its own. */
export function fixPath({ page, resource, field }: Fix, owners: Owners): string | null {
  switch (page) {
    case "route-table":
      // What has no table of its own yet, as an internet gateway before its edge association, is named itself.
      return resource.startsWith("rtb-") ? `/route-tables/${resource}/routes` : pathOf(resource, owners);
    case "security-group":
      return `/security-groups/${resource}/${field === "IpPermissionsEgress" ? "outbound" : "inbound"}`;
    case "target-group":
      return `${targetGroupPath(resource)}/register`;
    default:
      return pathOf(resource, owners);
  }
}
