import { expect, test } from "vitest";
import { movedRow, sortedBy, toggled } from "./virtualSort";

const rows = [
  { id: "a", age: 9 },
  { id: "b", age: null },
  { id: "c", age: 10 },
  { id: "d", age: 9 },
];
const ids = (descending: boolean) => sortedBy(rows, (row) => row.age, descending).map((row) => row.id);

test("numbers are ordered as numbers, equal rows keep their order, and rows without a value come last", () => {
  expect(ids(false)).toEqual(["a", "d", "c", "b"]);
  expect(ids(true)).toEqual(["c", "a", "d", "b"]);
});

test("the same header twice turns the order round, another header begins ascending", () => {
  const first = toggled(null, "age");
  expect(first).toEqual({ column: "age", descending: false });
  expect(toggled(first, "age").descending).toBe(true);
  expect(toggled(toggled(first, "age"), "id")).toEqual({ column: "id", descending: false });
});

test("keys move the active row and stop at both ends", () => {
  expect(movedRow("ArrowDown", -1, 3, 2)).toBe(0);
  expect(movedRow("PageDown", 1, 3, 10)).toBe(2);
  expect(movedRow("ArrowUp", 0, 3, 2)).toBe(0);
  expect(movedRow("End", 0, 3, 2)).toBe(2);
  expect(movedRow("x", 0, 3, 2)).toBeNull();
  expect(movedRow("ArrowDown", 0, 0, 2)).toBeNull();
});
