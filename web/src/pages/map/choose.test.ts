import { expect, test } from "vitest";
import { ALL, chosen, folded, unhealthy } from "./choose";
import { graphOf } from "./graph";
import { inspected } from "./testing";

const map = inspected();
const graph = graphOf(map);
const ids = (found: { nodes: readonly { id: string }[] }) => found.nodes.map((node) => node.id);

test("without a choice the map is the map", () => {
  expect(chosen(map, graph, ALL)).toBe(map);
});

test("only unhealthy keeps the failing target and what hangs on it, not its healthy neighbour", () => {
  const found = chosen(map, graph, { ...ALL, onlyUnhealthy: true });
  expect(ids(found)).toEqual(expect.arrayContaining(["tg|i-2", "tg", "lb", "vpce-1", "vpc-1"]));
  expect(ids(found)).not.toContain("tg|i-1");
  expect(found.edges.every((edge) => ids(found).includes(edge.source))).toBe(true);
});

test("a text finds by name, id, zone or address", () => {
  expect(ids(chosen(map, graph, { ...ALL, text: "I-WEB" }))).toEqual(["vpc-1", "subnet-app", "i-web"]);
});

test("two conditions narrow each other", () => {
  expect(ids(chosen(map, graph, { ...ALL, vpc: "vpc-1", text: "tg|i-1" }))).not.toContain("tg|i-2");
});

test("what a bad line leads to counts as unhealthy", () => {
  expect(unhealthy(map).map((node) => node.id)).toEqual(["tg|i-2"]);
});

test("a target stands for its instance, an application's instance for itself", () => {
  expect(ids(folded(map))).not.toContain("i-1");
  expect(ids(folded(map))).toContain("i-web");
});
