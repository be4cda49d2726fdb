import { expect, test } from "vitest";
import { formatFor } from "./format";
import { firstLanguage } from "./index";

test("large rates are written with a unit in front of their own", () => {
  expect(formatFor("en").bitsPerSecond(1_250_000)).toBe("10 Mbit/s");
  expect(formatFor("en").bytes(999)).toBe("999 B");
});

test("Korean counts in ten thousands", () => {
  expect(formatFor("ko").short(12_300)).toBe("1.23만");
});

test("a remembered language wins, then the browser's, then English", () => {
  expect(firstLanguage("ko", ["en-US"])).toBe("ko");
  expect(firstLanguage(null, ["fr", "ko-KR", "en"])).toBe("ko");
  expect(firstLanguage(null, ["fr"])).toBe("en");
});
