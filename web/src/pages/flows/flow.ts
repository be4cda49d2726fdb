import type { FlowRow } from "../../generated/read-api";

export type Flow = FlowRow;

export const flowId = (flow: Flow): string =>
  `${flow.endpoint}|${flow.protocol}|${flow.source}|${String(flow.source_port)}|${flow.destination}|${String(flow.destination_port)}`;

const PROTOCOLS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 };

/** IANA's number. */
export const protocolNumber = (protocol: string): number => PROTOCOLS[protocol] ?? Number(protocol);

const side = (address: string, port: number) => {
  if (port === 0) return address;
  return address.includes(":") ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
};

export const sourceOf = (flow: Flow): string => side(flow.source, flow.source_port);
export const destinationOf = (flow: Flow): string => side(flow.destination, flow.destination_port);

/** The address of the page that follows this flow's packets. */
export function walkOf(flow: Flow): string {
  const query = new URLSearchParams({
    endpoint: flow.endpoint,
    client: flow.source,
    server: flow.destination,
    protocol: String(protocolNumber(flow.protocol)),
  });
  if (flow.source_port > 0) query.set("client_port", String(flow.source_port));
  if (flow.destination_port > 0) query.set("port", String(flow.destination_port));
  return `/walk?${query.toString()}`;
}
