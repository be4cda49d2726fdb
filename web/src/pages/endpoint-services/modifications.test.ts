import { expect, test } from "vitest";
import { difference, given } from "./modifications";

test("what comes and what goes, and nothing of what stays", () => {
  expect(difference(["a", "b"], ["b", "c"])).toEqual({ add: ["c"], remove: ["a"] });
  expect(difference(["a"], ["a"])).toEqual({ add: [], remove: [] });
});

test("an empty list is no parameter", () => {
  expect(given([])).toBeUndefined();
  expect(given(["a"])).toEqual(["a"]);
});
