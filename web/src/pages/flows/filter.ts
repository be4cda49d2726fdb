/**
 * The words of the filter bar, the same as `gwlb flows` takes: `verdict:no_targets target:fw-2 port:80 10.0.0.5`.
 *
 * Every term must hold and is given at most once. `port` and an address mean either end; two addresses mean the flows between them.
 */

import { inPrefix, type Prefix, prefixOf } from "./addresses";
import { type Flow, protocolNumber } from "./flow";

export const WORDS = ["verdict", "target", "endpoint", "protocol", "port"] as const;
export type Word = (typeof WORDS)[number];

export const VERDICTS = [
  "encapsulated",
  "decapsulated",
  "tcp_reset_unhealthy",
  "tcp_reset_deregistered",
  "no_targets",
] as const;
export const PROTOCOLS = ["tcp", "udp", "icmp", "icmpv6"] as const;

export interface Filter {
  terms: Partial<Record<Word, string>>;
  addresses: readonly Prefix[];
}

/** What is wrong, as a key of the texts, and the term that it is about. */
export interface Wrong {
  problem: "unknown" | "empty" | "twice" | "verdict" | "protocol" | "port" | "quote";
  term: string;
}

export type Parsed = { filter: Filter; wrong: null } | { filter: null; wrong: Wrong };

export const EVERYTHING: Filter = { terms: {}, addresses: [] };

const isWord = (text: string): text is Word => (WORDS as readonly string[]).includes(text);
const wrong = (problem: Wrong["problem"], term: string): Parsed => ({ filter: null, wrong: { problem, term } });

/** Terms between spaces; what stands in quotes is one, without them. Null when a quote is not closed. */
export function termsOf(text: string): string[] | null {
  const found: string[] = [];
  for (const [term] of text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+|["']/g)) {
    if (term === '"' || term === "'") return null;
    found.push(term.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ""));
  }
  return found;
}

export function parseFilter(text: string): Parsed {
  const terms: Partial<Record<Word, string>> = {};
  const addresses: Prefix[] = [];
  const given = termsOf(text);
  if (given === null) return wrong("quote", text);
  for (const term of given) {
    const prefix = prefixOf(term);
    if (prefix) {
      addresses.push(prefix);
      continue;
    }
    const colon = term.indexOf(":");
    const word = term.slice(0, Math.max(0, colon));
    const value = term.slice(colon + 1);
    if (!isWord(word)) return wrong("unknown", term);
    if (value === "") return wrong("empty", term);
    if (terms[word] !== undefined) return wrong("twice", word);
    if (!isValue(word, value)) return wrong(word as "verdict" | "protocol" | "port", term);
    terms[word] = value;
  }
  return { filter: { terms, addresses }, wrong: null };
}

function isValue(word: Word, value: string): boolean {
  const upTo = (most: number) => /^\d+$/.test(value) && Number(value) <= most;
  if (word === "verdict") return (VERDICTS as readonly string[]).includes(value);
  if (word === "protocol") return (PROTOCOLS as readonly string[]).includes(value.toLowerCase()) || upTo(255);
  return word !== "port" || upTo(65535);
}

/** The filter as a function, made once for many rows. */
export function matcher({ terms, addresses }: Filter): (flow: Flow) => boolean {
  const protocol = terms.protocol === undefined ? null : protocolNumber(terms.protocol.toLowerCase());
  const port = terms.port === undefined ? null : Number(terms.port);
  const { verdict, target, endpoint } = terms;
  return (flow) =>
    (verdict === undefined || flow.verdict === verdict) &&
    (endpoint === undefined || flow.endpoint === endpoint) &&
    (target === undefined || [flow.target, flow.target_name, flow.target_address].includes(target)) &&
    (protocol === null || protocolNumber(flow.protocol) === protocol) &&
    (port === null || flow.source_port === port || flow.destination_port === port) &&
    between(flow, addresses);
}

function between(flow: Flow, [one, other, ...rest]: readonly Prefix[]): boolean {
  if (!one) return true;
  const source = (prefix: Prefix) => inPrefix(flow.source, prefix);
  const destination = (prefix: Prefix) => inPrefix(flow.destination, prefix);
  if (!other) return source(one) || destination(one);
  return rest.length === 0 && ((source(one) && destination(other)) || (source(other) && destination(one)));
}

/** A term that has what the last, half-typed one is to become. */
export function completed(text: string, term: string): string {
  const kept = text.replace(/\S*$/, "");
  return kept + term + (term.endsWith(":") ? "" : " ");
}

/** What can stand where the text ends: words first, then a word's values in the flows that are there. */
export function suggestions(text: string, flows: readonly Flow[]): string[] {
  const last = /\S*$/.exec(text)?.[0] ?? "";
  const colon = last.indexOf(":");
  const word = last.slice(0, Math.max(0, colon));
  if (!isWord(word)) return WORDS.map((one) => `${one}:`).filter((one) => one.startsWith(last) && !text.includes(one));
  return valuesOf(flows, word)
    .map((value) => `${word}:${value.includes(" ") ? `"${value}"` : value}`)
    .filter((one) => one.startsWith(last) && one !== last);
}

const MANY = 50;

function valuesOf(flows: readonly Flow[], word: Word): readonly string[] {
  if (word === "verdict") return VERDICTS;
  if (word === "protocol") return PROTOCOLS;
  const found = new Set<string>();
  for (const flow of flows) {
    if (word === "endpoint") found.add(flow.endpoint);
    else if (word === "port") found.add(String(flow.destination_port));
    else if (flow.target !== null) found.add(flow.target_name ?? flow.target);
    if (found.size >= MANY) break;
  }
  return [...found].sort();
}
