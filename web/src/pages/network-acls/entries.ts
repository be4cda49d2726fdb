/** A network ACL's rules as the form has them, and the calls that a change needs. Pure. */

import type { ec2 } from "../../generated/aws";

export interface Entry {
  number: string;
  preset: Preset;
  /** `80` or `1024-65535`; empty where the protocol has no ports. */
  ports: string;
  cidr: string;
  action: ec2.RuleAction;
  /** What the form cannot show and must not lose: a protocol without a preset, an ICMP type. */
  protocol?: string;
  icmp?: ec2.IcmpTypeCode;
}

export type Preset = keyof typeof PRESETS;
export type Direction = "inbound" | "outbound";

/** AWS's "Type" of a rule: protocol number and, where it is fixed, port. */
export const PRESETS = {
  all: { protocol: "-1", ports: "" },
  geneve: { protocol: "17", ports: "6081" },
  http: { protocol: "6", ports: "80" },
  https: { protocol: "6", ports: "443" },
  ssh: { protocol: "6", ports: "22" },
  tcp: { protocol: "6", ports: undefined },
  udp: { protocol: "17", ports: undefined },
  icmp: { protocol: "1", ports: "" },
  icmpv6: { protocol: "58", ports: "" },
  other: { protocol: undefined, ports: "" },
} as const;

/** The rule `*` at the end, which nobody can change. */
const LAST = 32767;

export function entriesOf(acl: ec2.NetworkAcl, direction: Direction): ec2.NetworkAclEntry[] {
  return (acl.Entries ?? [])
    .filter((one) => one.Egress === (direction === "outbound"))
    .sort((one, other) => (one.RuleNumber ?? 0) - (other.RuleNumber ?? 0));
}

export const isLast = (entry: ec2.NetworkAclEntry): boolean => (entry.RuleNumber ?? 0) >= LAST;

export function readEntry(entry: ec2.NetworkAclEntry): Entry {
  const { From: from, To: to } = entry.PortRange ?? {};
  const ports = from === undefined ? "" : from === to ? String(from) : `${String(from)}-${String(to)}`;
  const protocol = entry.Protocol ?? "-1";
  const preset = presetOf(protocol, ports);
  return {
    number: String(entry.RuleNumber ?? ""),
    preset,
    ports,
    cidr: entry.CidrBlock ?? entry.Ipv6CidrBlock ?? "",
    action: entry.RuleAction ?? "deny",
    ...(preset === "other" && { protocol }),
    ...(entry.IcmpTypeCode && { icmp: entry.IcmpTypeCode }),
  };
}

function presetOf(protocol: string, ports: string): Preset {
  const names = Object.keys(PRESETS) as Preset[];
  const fits = (wanted: string | undefined) =>
    names.find((name) => PRESETS[name].protocol === protocol && PRESETS[name].ports === wanted);
  return fits(ports) ?? fits(undefined) ?? "other";
}

export interface EntryCall {
  service: "ec2";
  operation: "CreateNetworkAclEntry" | "ReplaceNetworkAclEntry" | "DeleteNetworkAclEntry";
  parameters: object;
  /** Position in the form; undefined for those that go. */
  row?: number;
}

/** What makes `before` into `after`. A rule is its number: another number is another rule. New ones come before old ones go. */
export function entryCalls(
  acl: string,
  direction: Direction,
  before: readonly Entry[],
  after: readonly Entry[],
): EntryCall[] {
  const Egress = direction === "outbound";
  const known = new Map(before.map((entry) => [Number(entry.number), request(entry)]));
  const put = after.flatMap((entry, row): EntryCall[] => {
    const number = Number(entry.number);
    const wanted = request(entry);
    if (JSON.stringify(known.get(number)) === JSON.stringify(wanted)) return [];
    const operation = known.has(number) ? "ReplaceNetworkAclEntry" : "CreateNetworkAclEntry";
    const parameters = { NetworkAclId: acl, Egress, RuleNumber: number, ...wanted };
    return [{ service: "ec2", operation, parameters, row }];
  });
  const kept = new Set(after.map((entry) => Number(entry.number)));
  const gone = [...known.keys()].filter((number) => !kept.has(number));
  return [
    ...put,
    ...gone.map((RuleNumber): EntryCall => ({
      service: "ec2",
      operation: "DeleteNetworkAclEntry",
      parameters: { NetworkAclId: acl, Egress, RuleNumber },
    })),
  ];
}

/** What is no number is left for AWS to refuse. */
function request(entry: Entry): object {
  const protocol = PRESETS[entry.preset].protocol ?? entry.protocol ?? "-1";
  const [from = "", to = from] = entry.ports.split("-").map((one) => one.trim());
  const ported = protocol === "6" || protocol === "17";
  const icmp = protocol === "1" || protocol === "58";
  return {
    Protocol: protocol,
    RuleAction: entry.action,
    ...(entry.cidr.includes(":") ? { Ipv6CidrBlock: entry.cidr.trim() } : { CidrBlock: entry.cidr.trim() }),
    ...(ported && { PortRange: { From: Number(from), To: Number(to) } }),
    ...(icmp && { IcmpTypeCode: entry.icmp ?? { Type: -1, Code: -1 } }),
  };
}

/** A new row's number: AWS's console counts in hundreds. */
export const nextNumber = (entries: readonly Entry[]): string =>
  String(100 * (Math.floor(Math.max(0, ...entries.map((one) => Number(one.number) || 0)) / 100) + 1));
