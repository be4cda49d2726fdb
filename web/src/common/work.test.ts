import { expect, test, vi } from "vitest";
import { AwsError } from "../api/http";
import { type Piece, runPieces } from "./work";

interface Made {
  one?: string;
  two?: string;
}

const nobody = () => Promise.reject(new Error("No call is made here."));

test("after a refusal the next try goes on behind what was made, and makes nothing twice", async () => {
  const makeOne = vi.fn(() => Promise.resolve({ one: "1" }));
  const refused = new AwsError("DuplicateTargetGroupName", "exists", "r-1", 400);
  const makeTwo = vi.fn((_, made: Made) => Promise.resolve({ ...made, two: "2" }));
  makeTwo.mockRejectedValueOnce(refused);
  const pieces: Piece<Made, "one" | "two">[] = [
    { id: "one", done: (made) => made.one !== undefined, run: makeOne },
    { id: "two", done: (made) => made.two !== undefined, run: makeTwo },
  ];
  const told = vi.fn();
  const first = await runPieces(pieces, nobody, {}, told);
  expect(first).toEqual({ made: { one: "1" }, failure: { id: "two", error: refused } });
  expect(told.mock.calls.map(([, running]) => running)).toEqual(["one", "two", null]);
  const second = await runPieces(pieces, nobody, first.made, told);
  expect(second).toEqual({ made: { one: "1", two: "2" }, failure: null });
  expect(makeOne).toHaveBeenCalledTimes(1);
});

test("what is no answer of the server is not hidden", async () => {
  const broken: Piece<Made, "one"> = { id: "one", done: () => false, run: () => Promise.reject(new TypeError("bug")) };
  await expect(runPieces([broken], nobody, {}, vi.fn())).rejects.toThrow("bug");
});
