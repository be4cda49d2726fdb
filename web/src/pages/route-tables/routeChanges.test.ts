import { expect, test } from "vitest";
import { applied, changes, type Draft } from "./routeChanges";
import type { Placed } from "./routeTargets";

const local: Placed = { destination: "10.0.0.0/16", kind: "local", target: "" };
const out: Placed = { destination: "0.0.0.0/0", kind: "gateway", target: "igw-1" };
const row = (route: Placed, key = route.destination): Draft => ({ ...route, key, fixed: route === local });

test("nothing changed, nothing called", () => {
  expect(changes("rtb-1", [local, out], [row(local), row(out)])).toEqual([]);
});

test("another target for a destination replaces its route", () => {
  const inspected: Draft = { ...row(out), kind: "endpoint", target: " vpce-1 " };
  expect(changes("rtb-1", [local, out], [row(local), inspected])).toEqual([
    {
      row: "0.0.0.0/0",
      operation: "ReplaceRoute",
      parameters: { RouteTableId: "rtb-1", DestinationCidrBlock: "0.0.0.0/0", VpcEndpointId: "vpce-1" },
      route: { destination: "0.0.0.0/0", kind: "endpoint", target: "vpce-1" },
    },
  ]);
});

test("a changed destination is made before the old one is removed", () => {
  const moved = { ...row(out, "a"), destination: "192.0.2.0/24" };
  expect(changes("rtb-1", [local, out], [row(local), moved]).map((one) => [one.operation, one.row])).toEqual([
    ["CreateRoute", "a"],
    ["DeleteRoute", "removed 0.0.0.0/0"],
  ]);
});

test("two rows that swap their destinations are two replacements", () => {
  const other: Placed = { destination: "::/0", kind: "interface", target: "eni-1" };
  const swapped = [
    { ...row(out), destination: "::/0" },
    { ...row(other), destination: "0.0.0.0/0" },
  ];
  expect(changes("rtb-1", [out, other], swapped).map((one) => one.parameters)).toEqual([
    { RouteTableId: "rtb-1", DestinationIpv6CidrBlock: "::/0", GatewayId: "igw-1" },
    { RouteTableId: "rtb-1", DestinationCidrBlock: "0.0.0.0/0", NetworkInterfaceId: "eni-1" },
  ]);
});

test("a destination that stands twice is asked for, so that the server says what is wrong", () => {
  expect(changes("rtb-1", [out], [row(out), row(out, "again")]).map((one) => [one.operation, one.row])).toEqual([
    ["CreateRoute", "again"],
  ]);
});

test("a local route that was sent elsewhere comes back with LocalTarget", () => {
  const away: Placed = { ...local, kind: "endpoint", target: "vpce-1" };
  expect(changes("rtb-1", [away], [row(local)])[0]?.parameters).toEqual({
    RouteTableId: "rtb-1",
    DestinationCidrBlock: "10.0.0.0/16",
    LocalTarget: true,
  });
});

test("what the server took is not asked for again", () => {
  const inspected: Placed = { ...out, kind: "endpoint", target: "vpce-1" };
  const drafts = [row(local), row(inspected)];
  const after = changes("rtb-1", [local, out], drafts).reduce<Placed[]>(applied, [local, out]);
  expect(changes("rtb-1", after, drafts)).toEqual([]);
});
