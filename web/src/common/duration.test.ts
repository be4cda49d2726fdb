import { expect, test } from "vitest";
import { durationFor } from "./duration";

test("durations have at most two units, in the language's own short words", () => {
  const [english, korean] = [durationFor("en"), durationFor("ko")];
  expect([12.34, 303, 3_725].map(english)).toEqual(["12.3s", "5m 3s", "1h 2m"]);
  expect([12.34, 303].map(korean)).toEqual(["12.3초", "5분 3초"]);
});
