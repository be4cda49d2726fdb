import { expect, test } from "vitest";
import { chainOf, chainOfAll, graphOf } from "./graph";
import { inspected, large } from "./testing";

const graph = graphOf(inspected());

test("an endpoint's chain goes back to its VPC and on to every target's instance", () => {
  const chain = chainOf(graph, "vpce-1");
  for (const id of ["vpc-1", "subnet-app", "rtb-app", "rtb-igw", "igw-1", "lb", "tg", "tg|i-2", "i-2"])
    expect(chain.nodes, id).toContain(id);
  expect(chain.nodes).not.toContain("i-web");
  expect(chain.nodes).not.toContain("subnet-fw");
  expect(chain.edges).toContain("serves:vpce-1>vpce-svc-1");
});

test("a route out to the internet does not come back in by the gateway's own table", () => {
  const chain = chainOf(graph, "rtb-edge");
  expect(chain.nodes).toContain("igw-1");
  expect(chain.nodes).not.toContain("rtb-igw");
  expect(chain.nodes).not.toContain("vpce-1");
});

test("the gateway itself leads to its table and the endpoint behind it", () => {
  expect(chainOf(graph, "igw-1").nodes).toContain("vpce-1");
});

test("chains of several are put together, and what is not there has none", () => {
  expect(chainOfAll(graph, ["i-web", "nothing"]).nodes).toEqual(new Set(["i-web", "subnet-app", "vpc-1"]));
});

test("a chain through 500 nodes is found at once", () => {
  const many = graphOf(large(40, 60));
  expect(many.nodes.size).toBeGreaterThan(500);
  const began = performance.now();
  expect(chainOf(many, "tg").nodes.size).toBeGreaterThan(400);
  expect(performance.now() - began).toBeLessThan(50);
});
