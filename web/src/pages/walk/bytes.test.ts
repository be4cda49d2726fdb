import { expect, test } from "vitest";
import type { TreeNode } from "./answer";
import { fieldAt, hexRows, letter, lines, nodeAt } from "./bytes";

const field = (name: string, offset: number, length: number, ...children: TreeNode[]): TreeNode => ({
  name,
  value: "",
  offset,
  length,
  children,
});
const tree = [
  field("Ethernet", 0, 14, field("Destination", 0, 6), field("Source", 6, 6), field("Type", 12, 2)),
  field("IPv4", 14, 20, field("TTL", 22, 1)),
];

test("a byte leads to the innermost field that it is of", () => {
  expect(nodeAt(tree, fieldAt(tree, 7))?.name).toBe("Source");
  expect(nodeAt(tree, fieldAt(tree, 15))?.name).toBe("IPv4");
  expect(fieldAt(tree, 99)).toBeNull();
});

test("what is in a closed header is not seen", () => {
  expect(lines(tree, new Set(["0"])).map((line) => [line.path, line.depth])).toEqual([
    ["0", 0],
    ["1", 0],
    ["1.0", 1],
  ]);
});

test("sixteen bytes are a row, and what is no letter is a dot", () => {
  const rows = hexRows("41".repeat(18));
  expect(rows.map((row) => [row.offset, row.bytes.length])).toEqual([
    [0, 16],
    [16, 2],
  ]);
  expect([letter(0x41), letter(0)]).toEqual(["A", "·"]);
});
