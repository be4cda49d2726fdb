import { useMemo } from "react";
import { useAws } from "../../../api/aws";
import { groupNamed, useTargetGroups } from "../../target-groups/groups";
import type { TargetType } from "../../target-groups/form/draft";
import { TargetPicker } from "../../target-groups/form/TargetPicker";
import type { StepProps } from "./step";

/** Step 3: targets of the group, as its type wants them. */
export function TargetsStep({ draft, change, errorAt, made }: StepProps) {
  const groups = useTargetGroups();
  const existing = draft.routing === "existing" ? groupNamed(groups.data?.TargetGroups, draft.existing) : undefined;
  const health = useAws(
    "elbv2",
    "DescribeTargetHealth",
    { TargetGroupArn: draft.existing },
    { enabled: existing !== undefined },
  );
  const registered = useMemo(
    () =>
      new Set([
        ...made.registered,
        ...(existing ? (health.data?.TargetHealthDescriptions ?? []).map((one) => one.Target?.Id ?? "") : []),
      ]),
    [made.registered, existing, health.data],
  );
  const targetType: TargetType = existing ? (existing.TargetType === "ip" ? "ip" : "instance") : draft.group.targetType;
  return (
    <TargetPicker
      targetType={targetType}
      vpc={draft.vpc}
      pending={draft.targets}
      registered={registered}
      errorText={errorAt("targets")}
      onChange={(targets) => {
        change({ targets });
      }}
    />
  );
}
