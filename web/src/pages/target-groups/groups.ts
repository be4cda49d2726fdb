/** Target groups of the account, and the one that an address names. */

import { useAws, useAwsAction } from "../../api/aws";
import type { AwsError } from "../../api/http";
import { AwsError as Refused } from "../../api/http";
import type { elbv2 } from "../../generated/aws";

export const groupArn = (group: elbv2.TargetGroup): string => group.TargetGroupArn ?? "";
export const groupName = (group: elbv2.TargetGroup): string => group.TargetGroupName ?? "";

/** By ARN or by name: addresses may have either. */
export const groupNamed = (groups: readonly elbv2.TargetGroup[] | undefined, id: string) =>
  groups?.find((one) => one.TargetGroupArn === id || one.TargetGroupName === id);

export const useTargetGroups = () => useAws("elbv2", "DescribeTargetGroups", {});

/** One group, and an error when there is none of this name. */
export function useTargetGroup(id: string): { group: elbv2.TargetGroup | undefined; error: AwsError | null } {
  const { data, error } = useTargetGroups();
  const group = groupNamed(data?.TargetGroups, id);
  if (data && !group) {
    return { group, error: new Refused("TargetGroupNotFound", `Target group '${id}' not found`, undefined, 400) };
  }
  return { group, error };
}

/** Deletes some, one call each; the first refusal ends it. */
export function useDeleteGroups(): (groups: readonly elbv2.TargetGroup[]) => Promise<void> {
  const remove = useAwsAction("elbv2", "DeleteTargetGroup");
  return async (groups) => {
    for (const group of groups) await remove.mutateAsync({ TargetGroupArn: groupArn(group) });
  };
}
