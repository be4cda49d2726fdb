/** Who shall reach whom: what is in the form and in the page's address. */

import type { AwsError } from "../../api/http";
import { fieldErrors, type FieldErrors } from "../../common/fieldErrors";
import type { ReachAsked } from "../../generated/read-api";

export const FIELDS = ["source", "source_address", "destination", "protocol", "destination_port"] as const;
export type Field = (typeof FIELDS)[number];
export type Typed = Record<Field, string>;

const TCP = "6";
const WITH_PORTS: ReadonlySet<string> = new Set([TCP, "17"]);

export const hasPorts = (protocol: string): boolean => WITH_PORTS.has(protocol);
export const isOutside = (source: string): boolean => source.startsWith("igw-");

export function typedIn(query: URLSearchParams): Typed {
  const of = (field: Field) => query.get(field) ?? "";
  return {
    source: of("source"),
    source_address: of("source_address"),
    destination: of("destination"),
    protocol: of("protocol") || TCP,
    destination_port: of("destination_port"),
  };
}

/** What is asked, without fields that mean nothing beside the others. */
export function queryOf(typed: Typed): Record<string, string> {
  const means = (field: Field) => {
    if (field === "source_address") return isOutside(typed.source);
    return field !== "destination_port" || hasPorts(typed.protocol);
  };
  return Object.fromEntries(
    FIELDS.flatMap((field) => (typed[field] !== "" && means(field) ? [[field, typed[field]]] : [])),
  );
}

/** Null while nothing can be asked yet. Numbers go as typed: the server says what is wrong. */
export function asked(typed: Typed, language: "en" | "ko"): ReachAsked | null {
  const { source, destination, protocol, destination_port: port, source_address: address } = queryOf(typed);
  if (source === undefined || destination === undefined) return null;
  return {
    source,
    destination,
    protocol: numeric(protocol),
    destination_port: numeric(port),
    source_address: address,
    language,
  };
}

const numeric = (text: string | undefined) =>
  text === undefined || !/^\d+$/.test(text) ? (text as undefined) : Number(text);

/** The server names the field, or the object that is not there. */
export function errorsOf(error: AwsError | null, { source, destination }: Typed): FieldErrors<Field> {
  return fieldErrors<Field>(error, {
    source_address: /^source_address\b/,
    source: about("source", source),
    destination_port: /^destination_port\b/,
    destination: about("destination", destination),
    protocol: /^protocol\b/,
  });
}

const about = (field: string, value: string) =>
  new RegExp(value === "" ? `^${field}\\b` : `^${field}\\b|^There is no ${value.replace(/\W/g, "\\$&")} `);
