/** What the create form needs to know of a service that was found by name. Pure. */

import type { ec2 } from "../../generated/aws";

export const serviceType = (service: ec2.ServiceDetail): string => service.ServiceType?.[0]?.ServiceType ?? "";

/** Why a subnet cannot hold an endpoint of the service: its zone is not one of the service's. */
export const outsideZones = (service: ec2.ServiceDetail | null, subnet: ec2.Subnet): boolean =>
  service !== null && !(service.AvailabilityZones ?? []).includes(subnet.AvailabilityZone ?? "");

/** The IP address types that an endpoint of the service can have. */
export function addressTypes(service: ec2.ServiceDetail | null): string[] {
  const supported = service?.SupportedIpAddressTypes ?? ["ipv4"];
  const both = supported.includes("ipv4") && supported.includes("ipv6");
  return [...supported.filter((one) => one === "ipv4"), ...(both ? ["dualstack"] : [])];
}

export interface EndpointForm {
  service: string;
  vpc: string;
  subnets: readonly string[];
  addressType: string;
}

/** CreateVpcEndpoint's parameters: the type is the service's own; an unknown service is asked for as a Gateway Load Balancer's. */
export function parametersOf(form: EndpointForm, service: ec2.ServiceDetail | null) {
  return {
    VpcEndpointType: service === null ? "GatewayLoadBalancer" : serviceType(service),
    ServiceName: form.service.trim(),
    VpcId: form.vpc,
    SubnetIds: [...form.subnets],
    ...(form.addressType === "ipv4" ? {} : { IpAddressType: form.addressType }),
  };
}
