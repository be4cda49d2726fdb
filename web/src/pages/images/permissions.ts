/** Who may launch an image: AWS's list of accounts and the group `all`, as a form has it. */

import type { ec2 } from "../../generated/aws";

export interface Permissions {
  isPublic: boolean;
  accounts: readonly string[];
}

export function permissionsOf(answer: readonly ec2.LaunchPermission[] | undefined): Permissions {
  return {
    isPublic: (answer ?? []).some((one) => one.Group === "all"),
    accounts: (answer ?? []).flatMap((one) => one.UserId ?? []),
  };
}

/** What is added and removed to come from one to the other; null where they are the same. */
export function permissionChange(before: Permissions, after: Permissions): ec2.LaunchPermissionModifications | null {
  const wanted = [...new Set(after.accounts.map((one) => one.trim()).filter((one) => one !== ""))];
  const user = (UserId: string): ec2.LaunchPermission => ({ UserId });
  const all: ec2.LaunchPermission[] = [{ Group: "all" }];
  const Add = [
    ...(after.isPublic && !before.isPublic ? all : []),
    ...wanted.filter((one) => !before.accounts.includes(one)).map(user),
  ];
  const Remove = [
    ...(before.isPublic && !after.isPublic ? all : []),
    ...before.accounts.filter((one) => !wanted.includes(one)).map(user),
  ];
  if (Add.length === 0 && Remove.length === 0) return null;
  return { ...(Add.length > 0 ? { Add } : {}), ...(Remove.length > 0 ? { Remove } : {}) };
}
