import { expect, test } from "vitest";
import { mustSucceed } from "./unsuccessful";

test("what could not be done is raised as AWS's error, with the id that it is about", () => {
  const Error = { Code: "InvalidParameter", Message: "Endpoint must be removed from route table before deletion" };
  expect(() => mustSucceed({ Unsuccessful: [{ ResourceId: "vpce-1", Error }] })).toThrow(
    "vpce-1: Endpoint must be removed from route table before deletion",
  );
});

test("an answer in which everything was done comes back", () => {
  const answer = { Unsuccessful: [] };
  expect(mustSucceed(answer)).toBe(answer);
});
