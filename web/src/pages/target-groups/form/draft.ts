/** What the forms of a target group hold: texts as typed, so that nothing is lost, and the calls that come of them. */

import type { FieldRules } from "../../../common/fieldErrors";
import type { Tag } from "../../../common/tags";
import type { elbv2 } from "../../../generated/aws";

export const GENEVE_PORT = 6081;
export const CHECK_PROTOCOLS = ["TCP", "HTTP", "HTTPS"] as const;

export interface CheckDraft {
  protocol: string;
  port: string;
  path: string;
  healthy: string;
  unhealthy: string;
  timeout: string;
  interval: string;
  codes: string;
}

/** AWS's defaults for GENEVE. */
export const DEFAULT_CHECK: CheckDraft = {
  protocol: "TCP",
  port: "80",
  path: "/",
  healthy: "5",
  unhealthy: "2",
  timeout: "5",
  interval: "10",
  codes: "200-399",
};

export type TargetType = "instance" | "ip";

export interface GroupDraft {
  name: string;
  targetType: TargetType;
  check: CheckDraft;
  tags: readonly Tag[];
}

export const EMPTY_GROUP: GroupDraft = { name: "", targetType: "instance", check: DEFAULT_CHECK, tags: [] };

type CheckParameters = Omit<elbv2.ModifyTargetGroupInput, "TargetGroupArn">;

/** An empty field is left to the server. */
const numberOf = (text: string): number | undefined => (text.trim() === "" ? undefined : Number(text));

export const asksForPages = (check: CheckDraft): boolean => check.protocol !== "TCP";

/** Path and codes belong to HTTP and HTTPS only. */
export function checkParameters(check: CheckDraft): CheckParameters {
  return {
    HealthCheckProtocol: check.protocol,
    HealthCheckPort: check.port,
    ...(asksForPages(check) ? { HealthCheckPath: check.path, Matcher: { HttpCode: check.codes } } : {}),
    HealthyThresholdCount: numberOf(check.healthy),
    UnhealthyThresholdCount: numberOf(check.unhealthy),
    HealthCheckTimeoutSeconds: numberOf(check.timeout),
    HealthCheckIntervalSeconds: numberOf(check.interval),
  };
}

export function createInput(draft: GroupDraft, vpc: string): elbv2.CreateTargetGroupInput {
  return {
    Name: draft.name,
    TargetType: draft.targetType,
    Protocol: "GENEVE",
    Port: GENEVE_PORT,
    VpcId: vpc,
    ...checkParameters(draft.check),
    ...(draft.tags.length > 0 ? { Tags: [...draft.tags] } : {}),
  };
}

const text = (value: string | number | undefined, fallback: string): string => String(value ?? fallback);

export function checkDraftOf(group: elbv2.TargetGroup): CheckDraft {
  return {
    protocol: text(group.HealthCheckProtocol, DEFAULT_CHECK.protocol),
    port: text(group.HealthCheckPort, DEFAULT_CHECK.port),
    path: text(group.HealthCheckPath, DEFAULT_CHECK.path),
    healthy: text(group.HealthyThresholdCount, DEFAULT_CHECK.healthy),
    unhealthy: text(group.UnhealthyThresholdCount, DEFAULT_CHECK.unhealthy),
    timeout: text(group.HealthCheckTimeoutSeconds, DEFAULT_CHECK.timeout),
    interval: text(group.HealthCheckIntervalSeconds, DEFAULT_CHECK.interval),
    codes: text(group.Matcher?.HttpCode, DEFAULT_CHECK.codes),
  };
}

export type CheckField = `check.${keyof CheckDraft}`;
export type GroupField = "group.name" | "group.targetType" | "group.vpc" | "group.tags" | CheckField;

/** AWS names the member, or describes it; "timeout … the interval" is about the timeout. */
export const CHECK_RULES: FieldRules<CheckField> = {
  "check.timeout": /health ?check ?timeout/i,
  "check.interval": /health ?check ?interval/i,
  "check.unhealthy": /unhealthy ?threshold/i,
  "check.healthy": /healthy ?threshold/i,
  "check.path": /health check path|HealthCheckPath/i,
  "check.codes": /matcher|HTTP code|HttpCode/i,
  "check.protocol": /health check protocol|HealthCheckProtocol/i,
  "check.port": /health check port|HealthCheckPort/i,
};

export const GROUP_RULES: FieldRules<GroupField> = {
  ...CHECK_RULES,
  "group.tags": /\btags?\b|TagKey/i,
  "group.vpc": /VPC/,
  "group.targetType": /target type/i,
  "group.name": /name/i,
};
