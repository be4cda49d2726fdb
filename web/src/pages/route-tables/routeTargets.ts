/** What a route leads to: as DescribeRouteTables answers it, and as the picker offers it. */

import type { ec2 } from "../../generated/aws";
import { tagName } from "../../common/names";

/** The kinds of targets that a route can have here, in the picker's order. */
export const KINDS = ["gateway", "endpoint", "instance", "interface", "local"] as const;
export type Kind = (typeof KINDS)[number];

/** A route as far as it can be edited. */
export interface Placed {
  destination: string;
  kind: Kind;
  /** An id; empty for `local`. */
  target: string;
}

export const destinationOf = (route: ec2.Route): string =>
  route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? "";

/** A Gateway Load Balancer endpoint stands in `GatewayId`, as on AWS; a route to an instance is one to its network interface. */
export function placed(route: ec2.Route): Placed {
  const destination = destinationOf(route);
  if (route.NetworkInterfaceId) return { destination, kind: "interface", target: route.NetworkInterfaceId };
  if (route.InstanceId) return { destination, kind: "instance", target: route.InstanceId };
  const gateway = route.GatewayId ?? "";
  if (gateway === "local" || gateway === "") return { destination, kind: "local", target: "" };
  return { destination, kind: gateway.startsWith("vpce-") ? "endpoint" : "gateway", target: gateway };
}

/** Made along with the table: it can lead elsewhere, and cannot be removed. */
export const isLocal = (route: ec2.Route): boolean => route.Origin === "CreateRouteTable";

export interface Choice {
  value: string;
  description?: string;
}

export type Choices = Record<Exclude<Kind, "local">, Choice[]>;

interface Found {
  gateways: readonly ec2.InternetGateway[];
  endpoints: readonly ec2.VpcEndpoint[];
  instances: readonly ec2.Instance[];
  interfaces: readonly ec2.NetworkInterface[];
}

const choice = (id: string | undefined, ...about: (string | undefined)[]): Choice[] => {
  const description = about.filter(Boolean).join(", ");
  return id ? [{ value: id, ...(description ? { description } : {}) }] : [];
};

/** What routes of a VPC can lead to. */
export function choicesOf({ gateways, endpoints, instances, interfaces }: Found): Choices {
  return {
    gateway: gateways.flatMap((one) => choice(one.InternetGatewayId, tagName(one))),
    endpoint: endpoints
      .filter((one) => one.VpcEndpointType === "GatewayLoadBalancer" && !one.State?.startsWith("delet"))
      .flatMap((one) => choice(one.VpcEndpointId, tagName(one), one.State, one.SubnetIds?.[0])),
    instance: instances
      .filter((one) => one.State?.Name !== "terminated")
      .flatMap((one) => choice(one.InstanceId, tagName(one), one.PrivateIpAddress)),
    interface: interfaces
      .filter((one) => one.InterfaceType === "interface")
      .flatMap((one) => choice(one.NetworkInterfaceId, one.Description, one.PrivateIpAddress)),
  };
}

/** What a typed id is, so that pasting one chooses its kind. */
export function kindOfId(text: string): Kind | undefined {
  const kinds: Record<string, Kind> = { igw: "gateway", vpce: "endpoint", i: "instance", eni: "interface" };
  return text === "local" ? "local" : kinds[text.split("-")[0] ?? ""];
}
