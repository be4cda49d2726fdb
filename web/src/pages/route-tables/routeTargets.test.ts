import { expect, test } from "vitest";
import { choicesOf, kindOfId, placed } from "./routeTargets";

test("an endpoint stands in GatewayId as on AWS", () => {
  expect(placed({ DestinationCidrBlock: "0.0.0.0/0", GatewayId: "vpce-1" }).kind).toBe("endpoint");
  expect(placed({ DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1" }).kind).toBe("gateway");
  expect(placed({ DestinationIpv6CidrBlock: "::/0", NetworkInterfaceId: "eni-1", InstanceId: "i-1" })).toEqual({
    destination: "::/0",
    kind: "interface",
    target: "eni-1",
  });
  expect(placed({ DestinationCidrBlock: "10.0.0.0/16", GatewayId: "local" }).kind).toBe("local");
});

test("only what a route can lead to is offered", () => {
  const choices = choicesOf({
    gateways: [{ InternetGatewayId: "igw-1", Tags: [{ Key: "Name", Value: "edge" }] }],
    endpoints: [
      { VpcEndpointId: "vpce-1", VpcEndpointType: "GatewayLoadBalancer", State: "available" },
      { VpcEndpointId: "vpce-2", VpcEndpointType: "Interface", State: "available" },
      { VpcEndpointId: "vpce-3", VpcEndpointType: "GatewayLoadBalancer", State: "deleting" },
    ],
    instances: [{ InstanceId: "i-1", State: { Name: "terminated" } }],
    interfaces: [{ NetworkInterfaceId: "eni-1", InterfaceType: "gateway_load_balancer_endpoint" }],
  });
  expect(choices).toEqual({
    gateway: [{ value: "igw-1", description: "edge" }],
    endpoint: [{ value: "vpce-1", description: "available" }],
    instance: [],
    interface: [],
  });
});

test("a pasted id says what it is", () => {
  expect(["igw-1", "vpce-1", "i-1", "eni-1", "local", "x"].map(kindOfId)).toEqual([
    "gateway",
    "endpoint",
    "instance",
    "interface",
    "local",
    undefined,
  ]);
});
