/** AWS's attributes of load balancers, target groups and listeners: which control each key has in a form. */

export interface Attribute {
  Key?: string | undefined;
  Value?: string | undefined;
}

export type Control =
  { kind: "switch" } | { kind: "seconds" } | { kind: "choice"; values: readonly string[] } | { kind: "text" };

const CHOICES: Record<string, readonly string[]> = {
  "stickiness.type": ["source_ip_dest_ip_proto", "source_ip_dest_ip"],
  "target_failover.on_deregistration": ["no_rebalance", "rebalance"],
  "target_failover.on_unhealthy": ["no_rebalance", "rebalance"],
};

/** By the key where its values are known, else by what it holds now: a key that AWS adds has a field at once. */
export function controlOf(key: string, value: string): Control {
  const values = CHOICES[key];
  if (values) return { kind: "choice", values };
  if (value === "true" || value === "false") return { kind: "switch" };
  return key.endsWith("seconds") || key.endsWith("_ms") ? { kind: "seconds" } : { kind: "text" };
}

export type Values = Readonly<Record<string, string>>;

export const valuesOf = (attributes: readonly Attribute[] | undefined): Record<string, string> =>
  Object.fromEntries((attributes ?? []).map((one) => [one.Key ?? "", one.Value ?? ""]));

const FAILOVER = ["target_failover.on_deregistration", "target_failover.on_unhealthy"];

/** What differs, as a Modify call wants it. AWS takes the two of target failover together only. */
export function changedAttributes(before: Values, after: Values): { Key: string; Value: string }[] {
  const differs = (key: string) => before[key] !== after[key];
  return Object.keys(after)
    .filter((key) => differs(key) || (FAILOVER.includes(key) && FAILOVER.some(differs)))
    .map((Key) => ({ Key, Value: after[Key] ?? "" }));
}

/** The key that an error names; of "target_failover … send_tcp_reset" the first. */
export function faultyKey(message: string, keys: readonly string[]): string | undefined {
  const named = keys.filter((key) => message.includes(key) || message.includes(`'${key.split(".")[0] ?? ""}'`));
  const position = (key: string) => (message.includes(key) ? message.indexOf(key) : message.length);
  return named.sort((one, other) => position(one) - position(other))[0];
}

/** Keys hold dots, which separate levels in our files of texts. */
export const attributeKey = (key: string): string => key.replaceAll(".", "-");
