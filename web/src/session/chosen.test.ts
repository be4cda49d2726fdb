import { expect, test } from "vitest";
import { chosenScope } from "./chosen";
import type { SessionState } from "./session";

const signedIn = (account: string) => ({ account, name: account, operator: false, access_key: "AKIA" });
const state = (...accounts: string[]): SessionState => ({
  accounts: accounts.map(signedIn),
  default_region: "ap-northeast-2",
  regions: [],
  data_plane: "kernel",
  version: "0",
});

test("nobody is signed in: nothing is chosen", () => {
  expect(chosenScope(state(), { account: "1" })).toBeNull();
});

test("a remembered account is kept while it is signed in", () => {
  expect(chosenScope(state("1", "2"), { account: "2", region: "us-east-1" })).toEqual({
    account: "2",
    region: "us-east-1",
  });
});

test("a remembered account that signed out makes way for the first", () => {
  expect(chosenScope(state("1"), { account: "2" })).toEqual({ account: "1", region: "ap-northeast-2" });
});
