/** Who may launch an image, as a form has it and as ModifyImageAttribute takes it. */

import type { ec2 } from "../../generated/aws";

export interface Allowed {
  everyone: boolean;
  accounts: readonly string[];
}

/** AWS's group of everybody. */
const EVERYONE = "all";

export const allowedOf = (permissions: readonly ec2.LaunchPermission[]): Allowed => ({
  everyone: permissions.some((one) => one.Group === EVERYONE),
  accounts: permissions.flatMap((one) => one.UserId ?? []),
});

/** Account numbers however they were typed: with spaces, commas or a line each; twice is once. */
export const accountsIn = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter((word) => word !== ""))];

/** What leads from one to the other; null when nothing does. */
export function changed(before: Allowed, after: Allowed): ec2.LaunchPermissionModifications | null {
  const items = (one: Allowed, other: Allowed): ec2.LaunchPermission[] => [
    ...(one.everyone && !other.everyone ? [{ Group: EVERYONE } as const] : []),
    ...one.accounts.filter((account) => !other.accounts.includes(account)).map((account) => ({ UserId: account })),
  ];
  const [Add, Remove] = [items(after, before), items(before, after)];
  if (Add.length === 0 && Remove.length === 0) return null;
  return { ...(Add.length > 0 && { Add }), ...(Remove.length > 0 && { Remove }) };
}
