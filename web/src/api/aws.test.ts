import { expect, test } from "vitest";
import { tokensFor } from "./aws";

const pages = { inputTokens: ["Marker"], outputTokens: ["NextMarker"], results: ["TargetGroups"], more: null };

test("a page's token asks for the next, under the name that the question has for it", () => {
  expect(tokensFor(pages, { NextMarker: "m-2" })).toEqual({ Marker: "m-2" });
});

test("a page without a token is the last", () => {
  expect(tokensFor(pages, { TargetGroups: [] })).toBeNull();
  expect(tokensFor({ ...pages, more: "IsTruncated" }, { NextMarker: "m", IsTruncated: false })).toBeNull();
});
