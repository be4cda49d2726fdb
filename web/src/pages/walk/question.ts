/** Which connection to follow: what is in the form and in the page's address. */

import type { WalkAsked } from "../../generated/read-api";
import type { LiveFlow } from "./answer";

export const FIELDS = ["endpoint", "client", "server", "port", "client_port", "protocol"] as const;
export type Field = (typeof FIELDS)[number];
export type Typed = Record<Field, string>;

export const WAIT_S = 20;
const PROTOCOLS: Record<string, string> = { icmp: "1", tcp: "6", udp: "17", icmpv6: "58" };

export function typedIn(query: URLSearchParams): Typed {
  const typed: Typed = { endpoint: "", client: "", server: "", port: "", client_port: "", protocol: "" };
  for (const field of FIELDS) typed[field] = query.get(field) ?? "";
  typed.protocol = PROTOCOLS[typed.protocol.toLowerCase()] ?? typed.protocol;
  return typed;
}

export const queryOf = (typed: Typed): Record<string, string> =>
  Object.fromEntries(FIELDS.flatMap((field) => (typed[field] === "" ? [] : [[field, typed[field]]])));

/** Of a flow that lives any packet will do; otherwise the walk begins with a connection's first. Numbers go as typed: the server says what is wrong. */
export function asked(typed: Typed, language: "en" | "ko"): WalkAsked {
  const numeric = (text: string) => (text === "" ? undefined : /^\d+$/.test(text) ? Number(text) : (text as never));
  return {
    endpoint: typed.endpoint || undefined,
    client: typed.client || undefined,
    server: typed.server || undefined,
    port: numeric(typed.port),
    client_port: numeric(typed.client_port),
    protocol: numeric(typed.protocol),
    live: typed.client_port !== "",
    wait_s: WAIT_S,
    language,
  };
}

export function ofFlow(flow: LiveFlow): Typed {
  return {
    endpoint: flow.endpoint,
    client: flow.source,
    server: flow.destination,
    port: flow.destination_port === 0 ? "" : String(flow.destination_port),
    client_port: flow.source_port === 0 ? "" : String(flow.source_port),
    protocol: PROTOCOLS[flow.protocol] ?? flow.protocol,
  };
}

export const flowName = (flow: LiveFlow): string =>
  `${flow.protocol} ${flow.source}:${String(flow.source_port)} → ${flow.destination}:${String(flow.destination_port)}`;
