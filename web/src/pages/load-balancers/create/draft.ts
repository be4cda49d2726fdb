/** What the wizard holds, and the calls that come of it. */

import type { Call } from "../../../common/Equivalent";
import type { FieldRules } from "../../../common/fieldErrors";
import type { Tag } from "../../../common/tags";
import type { elbv2 } from "../../../generated/aws";
import {
  CHECK_RULES,
  createInput,
  EMPTY_GROUP,
  GROUP_RULES,
  type GroupDraft,
  type GroupField,
} from "../../target-groups/form/draft";
import { describedTargets, type Pending, TARGET_RULES } from "../../target-groups/form/pending";

export interface Draft {
  name: string;
  ipAddressType: "ipv4" | "dualstack";
  vpc: string;
  /** Zone -> its subnet. */
  subnets: Readonly<Record<string, string>>;
  tags: readonly Tag[];
  routing: "new" | "existing";
  group: GroupDraft;
  /** ARN of the existing group. */
  existing: string;
  targets: readonly Pending[];
}

export const EMPTY: Draft = {
  name: "",
  ipAddressType: "ipv4",
  vpc: "",
  subnets: {},
  tags: [],
  routing: "new",
  group: EMPTY_GROUP,
  existing: "",
  targets: [],
};

/** What Create made so far, also in a try that ended half-way. */
export interface Made {
  loadBalancer?: string;
  targetGroup?: string;
  /** Targets that are registered with the group. */
  registered: readonly string[];
  listener?: string;
}

export const NOTHING: Made = { registered: [] };

export type Stage = "loadBalancer" | "targetGroup" | "targets" | "listener";

/** In the wizard's steps, in which one the stage's fields are. */
export const STEP_OF: Record<Stage, number> = { loadBalancer: 0, targetGroup: 1, targets: 2, listener: 1 };

export const LOAD_BALANCER_ARN = "LOAD-BALANCER-ARN";
export const TARGET_GROUP_ARN = "TARGET-GROUP-ARN";

export function loadBalancerInput(draft: Draft): elbv2.CreateLoadBalancerInput {
  return {
    Name: draft.name,
    Type: "gateway",
    IpAddressType: draft.ipAddressType,
    Subnets: Object.keys(draft.subnets)
      .sort()
      .map((zone) => draft.subnets[zone] ?? ""),
    ...(draft.tags.length > 0 ? { Tags: [...draft.tags] } : {}),
  };
}

export const groupInput = (draft: Draft): elbv2.CreateTargetGroupInput => createInput(draft.group, draft.vpc);

export const unregistered = (draft: Draft, made: Made): Pending[] =>
  draft.targets.filter((one) => !made.registered.includes(one.id));

export const targetsInput = (draft: Draft, made: Made, group: string): elbv2.RegisterTargetsInput => ({
  TargetGroupArn: group,
  Targets: describedTargets(unregistered(draft, made)),
});

export const listenerInput = (loadBalancer: string, group: string): elbv2.CreateListenerInput => ({
  LoadBalancerArn: loadBalancer,
  DefaultActions: [{ Type: "forward", TargetGroupArn: group }],
});

/** The group that is used, once it is known. */
export const groupOf = (draft: Draft, made: Made): string | undefined =>
  draft.routing === "existing" ? draft.existing : made.targetGroup;

/** Every call that Create is going to make; a word in capitals stands for an ARN that an earlier call answers. */
export function plannedCalls(draft: Draft, made: Made): Call[] {
  const group = groupOf(draft, made) || TARGET_GROUP_ARN;
  const loadBalancer = made.loadBalancer ?? LOAD_BALANCER_ARN;
  const call = (operation: string, parameters: unknown): Call => ({ service: "elbv2", operation, parameters });
  return [
    ...(made.loadBalancer === undefined ? [call("CreateLoadBalancer", loadBalancerInput(draft))] : []),
    ...(draft.routing === "new" && made.targetGroup === undefined
      ? [call("CreateTargetGroup", groupInput(draft))]
      : []),
    ...(unregistered(draft, made).length > 0 ? [call("RegisterTargets", targetsInput(draft, made, group))] : []),
    ...(made.listener === undefined ? [call("CreateListener", listenerInput(loadBalancer, group))] : []),
  ];
}

export type Missing = "name" | "vpc" | "subnets" | "group.name" | "existing";

/** What a step cannot go on without; all else is the server's to judge. */
export function missingIn(step: number, draft: Draft): Missing[] {
  const asked: [Missing, boolean][][] = [
    [
      ["name", draft.name === ""],
      ["vpc", draft.vpc === ""],
      ["subnets", Object.keys(draft.subnets).length === 0],
    ],
    [
      ["group.name", draft.routing === "new" && draft.group.name === ""],
      ["existing", draft.routing === "existing" && draft.existing === ""],
    ],
  ];
  return (asked[step] ?? []).filter(([, missing]) => missing).map(([field]) => field);
}

export type Field = "name" | "ipAddressType" | "subnets" | "tags" | "existing" | "targets" | GroupField;

export const RULES: Record<Stage, FieldRules<Field>> = {
  loadBalancer: {
    tags: /\btags?\b|TagKey/i,
    ipAddressType: /IP address type|IPv6 CIDR/i,
    subnets: /subnet|Availability Zone/i,
    name: /name/i,
  },
  targetGroup: GROUP_RULES,
  targets: TARGET_RULES,
  listener: { ...CHECK_RULES, existing: /target group/i },
};
