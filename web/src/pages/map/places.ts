/** Where a node's own page is, and what else can be asked about it. */

import { loadBalancerPath, targetGroupPath } from "../../common/paths";
import type { MapNode } from "../../generated/read-api";

/** The resource's page; null where there is none: of what is no more, or an interface of its own. */
export function pageOf(node: MapNode): string | null {
  if (node.state === "deleted") return null;
  switch (node.kind) {
    case "vpc":
      return `/vpcs/${node.id}`;
    case "subnet":
      return `/subnets/${node.id}`;
    case "route-table":
      return `/route-tables/${node.id}`;
    case "internet-gateway":
      return `/internet-gateways/${node.id}`;
    case "endpoint":
      return `/endpoints/${node.id}`;
    case "endpoint-service":
      return `/endpoint-services/${node.id}`;
    case "instance":
      return `/instances/${node.id}`;
    case "load-balancer":
      return loadBalancerPath(node.id);
    case "target-group":
      return targetGroupPath(node.id);
    case "target":
      return targetGroupPath(node.detail.target_group ?? node.id.split("|")[0] ?? "");
    case "network-interface":
      return null;
  }
}

/** What a capture can be asked of there; null where no packets pass. */
export function captureOf(node: MapNode): string | null {
  if (node.state === "deleted") return null;
  switch (node.kind) {
    case "target":
      return node.detail.target?.startsWith("i-") ? node.detail.target : null;
    case "vpc":
    case "internet-gateway":
    case "endpoint":
    case "load-balancer":
    case "target-group":
    case "instance":
    case "network-interface":
      return node.id;
    default:
      return null;
  }
}

/** The packet walk of what goes through an endpoint, or to an instance; null where neither fits. */
export function walkOf(node: MapNode): string | null {
  if (node.kind === "endpoint" && node.state === "available") return `/walk?endpoint=${node.id}`;
  const address = node.detail.public_addresses?.[0] ?? node.detail.addresses?.[0];
  return node.kind === "instance" && address ? `/walk?server=${encodeURIComponent(address)}` : null;
}

/** AWS's short form of an id: the resource part of an ARN. */
export function shortId(node: MapNode): string {
  const own = node.kind === "target" ? (node.detail.target ?? node.id) : node.id;
  return own.startsWith("arn:") ? (own.split("/").at(-1) ?? own) : own;
}
