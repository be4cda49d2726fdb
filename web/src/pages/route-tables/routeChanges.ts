/** What makes the routes of a table into those of the form: the calls behind "Save routes". Pure. */

import { type Kind, type Placed } from "./routeTargets";

/** A row of the form. */
export interface Draft extends Placed {
  key: string;
  /** The table's own local route. */
  fixed: boolean;
}

export interface Change {
  /** The row that it is for; of a removed row, the key that it gets when it has to come back. */
  row: string;
  operation: "CreateRoute" | "ReplaceRoute" | "DeleteRoute";
  parameters: { RouteTableId: string } & Record<string, string | boolean>;
  route: Placed;
}

const MEMBERS: Record<Exclude<Kind, "local">, string> = {
  gateway: "GatewayId",
  endpoint: "VpcEndpointId",
  instance: "InstanceId",
  interface: "NetworkInterfaceId",
};

function destinationMember(destination: string): Record<string, string> {
  if (destination === "") return {};
  return { [destination.includes(":") ? "DestinationIpv6CidrBlock" : "DestinationCidrBlock"]: destination };
}

function targetMember({ kind, target }: Placed): Record<string, string | boolean> {
  if (kind === "local") return { LocalTarget: true };
  return target === "" ? {} : { [MEMBERS[kind]]: target };
}

export const trimmed = (draft: Draft): Placed => ({
  destination: draft.destination.trim(),
  kind: draft.kind,
  target: draft.target.trim(),
});

/**
 * The calls, in their order: routes are made and changed first and removed last, so that a changed destination leaves no moment
 * without a route. A destination that stands twice is asked for twice: the answer says what is wrong with it.
 */
export function changes(table: string, before: readonly Placed[], drafts: readonly Draft[]): Change[] {
  const known = new Map(before.map((route) => [route.destination, route]));
  const seen = new Set<string>();
  const found: Change[] = [];
  for (const draft of drafts) {
    const route = trimmed(draft);
    const old = seen.has(route.destination) ? undefined : known.get(route.destination);
    seen.add(route.destination);
    if (old && old.kind === route.kind && old.target === route.target) continue;
    const parameters = { RouteTableId: table, ...destinationMember(route.destination), ...targetMember(route) };
    found.push({ row: draft.key, operation: old ? "ReplaceRoute" : "CreateRoute", parameters, route });
  }
  const gone = before.filter((route) => !seen.has(route.destination));
  return [
    ...found,
    ...gone.map((route): Change => ({
      row: `removed ${route.destination}`,
      operation: "DeleteRoute",
      parameters: { RouteTableId: table, ...destinationMember(route.destination) },
      route,
    })),
  ];
}

/** The table's routes after a change that the server took. */
export function applied(routes: readonly Placed[], change: Change): Placed[] {
  const others = routes.filter((route) => route.destination !== change.route.destination);
  return change.operation === "DeleteRoute" ? others : [...others, change.route];
}
