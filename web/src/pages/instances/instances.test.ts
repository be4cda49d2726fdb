import { expect, test } from "vitest";
import { changeable, consoleText, flat, inBase64, possible, refusedProduct, runParameters } from "./instances";

const launch = {
  name: "fw-1",
  image: "ami-1",
  type: "t3.micro",
  vpc: "vpc-1",
  subnet: "subnet-1",
  groups: ["sg-1"],
  publicAddress: true,
  userData: "",
  count: "2",
};

test("a launch says subnet and groups at the interface, and what was left empty not at all", () => {
  const asked = runParameters(launch);
  expect(asked.NetworkInterfaces).toEqual([
    { DeviceIndex: 0, SubnetId: "subnet-1", Groups: ["sg-1"], AssociatePublicIpAddress: true },
  ]);
  expect(asked).toMatchObject({ MinCount: 2, MaxCount: 2, UserData: undefined });
});

test("instances of all reservations are one list", () => {
  expect(flat({ Reservations: [{ Instances: [{ InstanceId: "i-1" }] }, {}] })).toEqual([{ InstanceId: "i-1" }]);
});

test("only what is stopped can be started, and nothing is done to nothing", () => {
  expect(possible("StartInstances", [{ State: { Name: "stopped" } }])).toBe(true);
  expect(possible("StartInstances", [{ State: { Name: "running" } }])).toBe(false);
  expect(possible("TerminateInstances", [])).toBe(false);
});

test("a console's bytes are read as UTF-8", () => {
  expect(consoleText(btoa(String.fromCharCode(0xed, 0x95, 0x9c)))).toBe("한");
});

test("text goes as bytes and comes back the same", () => {
  expect(consoleText(inBase64("#!/bin/sh\necho 한"))).toBe("#!/bin/sh\necho 한");
});

test("groups are changed at an instance that is there and has one interface", () => {
  const running = { State: { Name: "running" as const }, NetworkInterfaces: [{}] };
  expect(changeable(running)).toBe(true);
  expect(changeable({ ...running, NetworkInterfaces: [{}, {}] })).toBe(false);
  expect(changeable({ ...running, State: { Name: "terminated" } })).toBe(false);
  expect(changeable(undefined)).toBe(false);
});

test("only terms that were not accepted lead to the marketplace", () => {
  const image = { ProductCodes: [{ ProductCodeId: "acme" }] };
  expect(refusedProduct("OptInRequired", image)).toBe("acme");
  expect(refusedProduct("InvalidParameterValue", image)).toBeUndefined();
  expect(refusedProduct("OptInRequired", undefined)).toBeUndefined();
});
