import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { themed } from "./themed";

test("every colour is one that the components' own stylesheet defines, in light and in dark", () => {
  const defined = readFileSync(
    "node_modules/@cloudscape-design/components/internal/generated/styles/tokens.js",
    "utf8",
  );
  for (const value of Object.values(themed)) expect(defined).toContain(String(value));
});
