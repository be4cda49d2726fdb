import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isDrop } from "./verdicts";

test("every verdict of the programs is known for what it is", () => {
  const header = readFileSync("../bpf/shared/verdicts.h", "utf8");
  const verdicts = [...header.matchAll(/V\(\d+, (\w+), (\w+),/g)];
  expect(verdicts.length).toBeGreaterThan(50);
  for (const [, name = "", kind] of verdicts) expect(isDrop(name), name).toBe(kind === "DROP");
});
