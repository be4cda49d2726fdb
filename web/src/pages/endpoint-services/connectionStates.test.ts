import { expect, test } from "vitest";
import { acceptable, rejectable } from "./connectionStates";

test("a pending connection can be accepted and rejected", () => {
  expect([acceptable("pendingAcceptance"), rejectable("pendingAcceptance")]).toEqual([true, true]);
});

test("what was decided can be decided the other way, and nothing else", () => {
  expect([acceptable("available"), rejectable("available")]).toEqual([false, true]);
  expect([acceptable("rejected"), rejectable("rejected")]).toEqual([true, false]);
  expect([acceptable("deleting"), rejectable("deleting")]).toEqual([false, false]);
});
