import { expect, test } from "vitest";
import { consoleText, flat, possible, runParameters } from "./instances";

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
