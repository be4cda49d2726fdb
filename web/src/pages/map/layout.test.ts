import { expect, test } from "vitest";
import { folded } from "./choose";
import { type Box, layout, skips } from "./layout";
import { inspected, large } from "./testing";

const map = folded(inspected());
const found = layout(map);
const box = (id: string): Box => found.boxes.get(id) ?? { id, x: Number.NaN, y: Number.NaN, width: 0, height: 0 };

test("columns go from left to right as packets do", () => {
  const path = ["subnet-app", "rtb-app", "vpce-1", "vpce-svc-1", "lb", "tg", "tg|i-1"];
  const xs = path.map((id) => box(id).x);
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
  expect(new Set(xs).size).toBe(path.length);
});

test("a VPC is a band around what is in it", () => {
  const vpc = box("vpc-1");
  for (const id of ["subnet-app", "rtb-igw", "igw-1", "vpce-1", "i-web"]) {
    const one = box(id);
    expect(one.x >= vpc.x && one.x + one.width <= vpc.x + vpc.width, id).toBe(true);
    expect(one.y > vpc.y && one.y + one.height <= vpc.y + vpc.height, id).toBe(true);
  }
});

test("no two boxes lie on each other", () => {
  for (const many of [map, large(36, 60)]) {
    const boxes = many.nodes.flatMap((node) => (node.kind === "vpc" ? [] : (layout(many).boxes.get(node.id) ?? [])));
    for (const x of new Set(boxes.map((one) => one.x))) {
      const sorted = boxes.filter((one) => one.x === x).sort((a, b) => a.y - b.y);
      sorted.slice(1).forEach((one, at) => {
        expect(one.y).toBeGreaterThanOrEqual((sorted[at]?.y ?? 0) + one.height);
      });
    }
  }
});

test("an empty column takes no room, and has no heading", () => {
  const consumer = { ...map, nodes: map.nodes.filter((node) => node.vpc === "vpc-1" || node.kind === "target") };
  const narrow = layout(consumer);
  expect(narrow.headings.map((one) => one.column)).toEqual(["subnet", "route-table", "connection", "target"]);
  expect(narrow.boxes.get("tg|i-1")?.x).toBe(box("vpce-svc-1").x);
});

test("the same map is laid out the same, whatever the order of its nodes", () => {
  const turned = { ...map, nodes: [...map.nodes].reverse() };
  expect(new Map([...layout(turned).boxes].sort())).toEqual(new Map([...found.boxes].sort()));
});

test("lines that would run past boxes are those of containment", () => {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const skipping = map.edges.filter((edge) => skips(edge, nodes)).map((edge) => edge.id);
  expect(skipping).toContain("contains:subnet-fw>lb");
  expect(skipping).not.toContain("contains:subnet-app>i-web");
});
