import { expect, test } from "vitest";
import { permissionChange, permissionsOf } from "./permissions";

const before = permissionsOf([{ Group: "all" }, { UserId: "111111111111" }, { UserId: "222222222222" }]);

test("the group all is being public, the rest are accounts", () => {
  expect(before).toEqual({ isPublic: true, accounts: ["111111111111", "222222222222"] });
  expect(permissionsOf(undefined)).toEqual({ isPublic: false, accounts: [] });
});

test("only what differs is added and removed, and an empty row is nobody", () => {
  const after = { isPublic: false, accounts: ["222222222222", " 333333333333", "", "333333333333"] };
  expect(permissionChange(before, after)).toEqual({
    Add: [{ UserId: "333333333333" }],
    Remove: [{ Group: "all" }, { UserId: "111111111111" }],
  });
  expect(permissionChange(before, before)).toBeNull();
});
