import { expect, test } from "vitest";
import { addressTypes, outsideZones, parametersOf } from "./service";

const gateway = {
  ServiceType: [{ ServiceType: "GatewayLoadBalancer" }],
  AvailabilityZones: ["r1a", "r1c"],
  SupportedIpAddressTypes: ["ipv4", "ipv6"],
};
const form = {
  service: " com.amazonaws.vpce.r1.vpce-svc-1 ",
  vpc: "vpc-1",
  subnets: ["subnet-1"],
  addressType: "ipv4",
};

test("subnets in zones without the service cannot be chosen, and before it is known all can", () => {
  expect(outsideZones(gateway, { AvailabilityZone: "r1a" })).toBe(false);
  expect(outsideZones(gateway, { AvailabilityZone: "r1b" })).toBe(true);
  expect(outsideZones(null, { AvailabilityZone: "r1b" })).toBe(false);
});

test("dualstack needs a service with both protocols", () => {
  expect(addressTypes(gateway)).toEqual(["ipv4", "dualstack"]);
  expect(addressTypes({ SupportedIpAddressTypes: ["ipv4"] })).toEqual(["ipv4"]);
  expect(addressTypes(null)).toEqual(["ipv4"]);
});

test("the endpoint's type is the service's", () => {
  expect(parametersOf(form, { ServiceType: [{ ServiceType: "Interface" }] }).VpcEndpointType).toBe("Interface");
  expect(parametersOf(form, null)).toEqual({
    VpcEndpointType: "GatewayLoadBalancer",
    ServiceName: "com.amazonaws.vpce.r1.vpce-svc-1",
    VpcId: "vpc-1",
    SubnetIds: ["subnet-1"],
  });
  expect(parametersOf({ ...form, addressType: "dualstack" }, gateway).IpAddressType).toBe("dualstack");
});
