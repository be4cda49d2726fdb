import { expect, test } from "vitest";
import type { MapEdge, MapNode } from "../../generated/read-api";
import { done } from "./checklist";

const node = (id: string, kind: MapNode["kind"], rest: Partial<MapNode> = {}): MapNode => ({
  id,
  kind,
  name: id,
  account: "1",
  vpc: null,
  zone: null,
  state: "available",
  healthy: null,
  reason: "",
  why: null,
  detail: {},
  ...rest,
});
const edge = (kind: MapEdge["kind"], source: string, target: string): MapEdge => ({
  id: `${source}>${target}`,
  source,
  target,
  kind,
  label: "",
  ports: [],
  state: "ok",
});
const known = (nodes: MapNode[], edges: MapEdge[] = []) => ({
  maps: [{ revision: 1, nodes, edges }],
  appliances: new Set(["ami-fw"]),
  accepted: false,
});

test("nothing is there: nothing is done", () => {
  expect([...done(known([]))]).toEqual([]);
});

test("an appliance that is being started was chosen, but does not run yet", () => {
  const starting = node("i-1", "instance", { state: "pending", detail: { image: "ami-fw" } });
  expect([...done(known([starting]))]).toEqual(["marketplace"]);
});

test("an application is no appliance", () => {
  expect([...done(known([node("i-1", "instance", { state: "running", detail: { image: "ami-linux" } })]))]).toEqual([]);
});

test("routes count when both the gateway's table and a subnet's lead to the endpoint", () => {
  const gateway = node("rtb-1", "route-table", { detail: { associations: ["igw-1"] } });
  const subnet = node("rtb-2", "route-table", { detail: { associations: ["subnet-1"] } });
  const endpoint = node("vpce-1", "endpoint");
  const half = known([gateway, subnet, endpoint], [edge("routes", "rtb-1", "vpce-1")]);
  expect([...done(half)]).toEqual(["endpoints"]);
  const whole = known(
    [gateway, subnet, endpoint],
    [edge("routes", "rtb-1", "vpce-1"), edge("routes", "rtb-2", "vpce-1")],
  );
  expect([...done(whole)]).toEqual(["endpoints", "routes"]);
});

test("a load balancer counts when it forwards to a target that answers its checks", () => {
  const target = node("tg|i-1", "target", { healthy: true, state: "healthy" });
  expect([...done(known([target], [edge("forwards", "lb", "tg")]))]).toEqual(["balancer"]);
});
