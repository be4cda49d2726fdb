import { expect, test } from "vitest";
import { accountsIn, allowedOf, changed } from "./permissions";

const before = { everyone: false, accounts: ["111111111111", "222222222222"] };

test("only what differs is asked for", () => {
  expect(changed(before, { everyone: true, accounts: ["222222222222", "333333333333"] })).toEqual({
    Add: [{ Group: "all" }, { UserId: "333333333333" }],
    Remove: [{ UserId: "111111111111" }],
  });
  expect(changed({ ...before, everyone: true }, before)).toEqual({ Remove: [{ Group: "all" }] });
  expect(changed(before, before)).toBeNull();
});

test("accounts are read however they were typed", () => {
  expect(accountsIn(" 111111111111, 222222222222\n111111111111;")).toEqual(["111111111111", "222222222222"]);
  expect(accountsIn("")).toEqual([]);
});

test("AWS's list tells everyone from accounts", () => {
  expect(allowedOf([{ Group: "all" }, { UserId: "111111111111" }])).toEqual({
    everyone: true,
    accounts: ["111111111111"],
  });
});
