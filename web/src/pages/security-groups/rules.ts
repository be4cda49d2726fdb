/** A security group's rules as the form has them: AWS's presets, the calls that a change needs, and rules read back. */

import type { ec2 } from "../../generated/aws";

export interface Rule {
  /** Of a rule that is there already: its `sgr-…`. */
  id?: string;
  preset: Preset;
  /** `80` or `8000-8100`; empty where the protocol has no ports. */
  ports: string;
  /** A CIDR, or the id of a security group. */
  peer: string;
  description: string;
}

export type Preset = keyof typeof PRESETS;

/** AWS's "Type" of a rule: protocol and, where it is fixed, port. GENEVE and its health check are what an appliance needs. */
export const PRESETS = {
  geneve: { protocol: "udp", ports: "6081" },
  http: { protocol: "tcp", ports: "80" },
  https: { protocol: "tcp", ports: "443" },
  ssh: { protocol: "tcp", ports: "22" },
  tcp: { protocol: "tcp", ports: undefined },
  udp: { protocol: "udp", ports: undefined },
  icmp: { protocol: "icmp", ports: "" },
  icmpv6: { protocol: "icmpv6", ports: "" },
  all: { protocol: "-1", ports: "" },
} as const;

export const EMPTY: Rule = { preset: "tcp", ports: "", peer: "", description: "" };

export function readRule(rule: ec2.SecurityGroupRule): Rule {
  const protocol = rule.IpProtocol ?? "-1";
  const ports = portsText(rule.FromPort, rule.ToPort, protocol);
  return {
    id: rule.SecurityGroupRuleId,
    preset: presetOf(protocol, ports),
    ports,
    peer: rule.CidrIpv4 ?? rule.CidrIpv6 ?? rule.ReferencedGroupInfo?.GroupId ?? rule.PrefixListId ?? "",
    description: rule.Description ?? "",
  };
}

export function portsText(from: number | undefined, to: number | undefined, protocol: string): string {
  if (from === undefined || from < 0 || (protocol !== "tcp" && protocol !== "udp")) return "";
  return from === to ? String(from) : `${String(from)}-${String(to)}`;
}

function presetOf(protocol: string, ports: string): Preset {
  const names = Object.keys(PRESETS) as Preset[];
  return (
    names.find((name) => PRESETS[name].protocol === protocol && PRESETS[name].ports === ports) ??
    names.find((name) => PRESETS[name].protocol === protocol && PRESETS[name].ports === undefined) ??
    "all"
  );
}

/** A rule as AuthorizeSecurityGroupIngress and …Egress take it. What is no number is left for AWS to refuse. */
export function permission(rule: Rule): ec2.IpPermission {
  const { protocol } = PRESETS[rule.preset];
  const [from = "", to = from] = rule.ports.split("-").map((one) => one.trim());
  const description = rule.description === "" ? {} : { Description: rule.description };
  const ranged = protocol === "tcp" || protocol === "udp";
  const any = protocol === "icmp" || protocol === "icmpv6" ? { FromPort: -1, ToPort: -1 } : {};
  return {
    IpProtocol: protocol,
    ...(ranged ? { FromPort: Number(from), ToPort: Number(to) } : any),
    ...peerOf(rule.peer.trim(), description),
  };
}

function peerOf(peer: string, description: { Description?: string }): ec2.IpPermission {
  if (peer.startsWith("sg-")) return { UserIdGroupPairs: [{ GroupId: peer, ...description }] };
  return peer.includes(":")
    ? { Ipv6Ranges: [{ CidrIpv6: peer, ...description }] }
    : { IpRanges: [{ CidrIp: peer, ...description }] };
}

interface Common {
  service: "ec2";
  /** Position of the rule in the form; undefined for those that go. */
  row?: number;
}

export type RuleCall = Common &
  (
    | { operation: Authorize; parameters: ec2.AuthorizeSecurityGroupEgressRequest }
    | { operation: Revoke; parameters: ec2.RevokeSecurityGroupEgressRequest }
  );

type Authorize = "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress";
type Revoke = "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress";

/** What has to be called so that the group has these rules. New ones come first: traffic that both old and new allow never stops. */
export function changes(
  group: string,
  direction: Direction,
  before: readonly Rule[],
  after: readonly Rule[],
): RuleCall[] {
  const side = direction === "inbound" ? "Ingress" : "Egress";
  const kept = new Set(after.filter((rule) => before.some((old) => old.id === rule.id && same(old, rule))));
  const added = after.flatMap((rule, row): RuleCall[] =>
    kept.has(rule)
      ? []
      : [
          {
            service: "ec2",
            operation: `AuthorizeSecurityGroup${side}`,
            parameters: { GroupId: group, IpPermissions: [permission(rule)] },
            row,
          },
        ],
  );
  const gone = before.filter((old) => ![...kept].some((rule) => rule.id === old.id)).flatMap((old) => old.id ?? []);
  if (gone.length === 0) return added;
  return [
    ...added,
    {
      service: "ec2",
      operation: `RevokeSecurityGroup${side}`,
      parameters: { GroupId: group, SecurityGroupRuleIds: gone },
    },
  ];
}

export type Direction = "inbound" | "outbound";

function same(one: Rule, other: Rule): boolean {
  return (
    one.preset === other.preset &&
    one.ports === other.ports &&
    one.peer === other.peer &&
    one.description === other.description
  );
}
