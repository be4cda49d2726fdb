import { expect, test } from "vitest";
import { completed, matcher, parseFilter, suggestions, termsOf } from "./filter";
import { aFlow } from "./testing";

function found(text: string, some: Parameters<typeof aFlow>[0] = {}): boolean {
  const { filter, wrong } = parseFilter(text);
  if (!filter) throw new Error(wrong.problem);
  return matcher(filter)(aFlow(some));
}

test("every term must hold", () => {
  expect(found("target:fw-1 protocol:tcp port:80 10.0.0.5")).toBe(true);
  expect(found("target:fw-1 protocol:udp")).toBe(false);
  expect(found("")).toBe(true);
});

test("a target is meant by its id, its name or its address", () => {
  expect(["i-1", "fw-1", "10.9.0.4"].map((target) => found(`target:${target}`))).toEqual([true, true, true]);
  expect(found("target:fw-2")).toBe(false);
});

test("a port and an address mean either end, a protocol is meant by name or number", () => {
  expect(found("port:40000 198.51.100.0/24 protocol:6")).toBe(true);
  expect(found("10.0.0.0/30")).toBe(false);
});

test("two addresses mean the flows between them, in either order", () => {
  expect(found("10.0.0.5 198.51.100.7")).toBe(true);
  expect(found("198.51.100.7 10.0.0.5")).toBe(true);
  expect(found("198.51.100.7 198.51.100.7")).toBe(false);
});

test("IPv6 addresses are no words with colons, however they are written", () => {
  expect(found("2001:db8::5", { destination: "2001:db8:0:0::5" })).toBe(true);
  expect(found("2001:db8::/32", { destination: "2001:db8::5" })).toBe(true);
  expect(found("2001:db8::/32")).toBe(false);
});

test("a value with spaces is put in quotes", () => {
  expect(termsOf('target:"my firewall" port:80')).toEqual(["target:my firewall", "port:80"]);
  expect(found('target:"my firewall"', { target_name: "my firewall" })).toBe(true);
});

test.each([
  ["colour:red", "unknown"],
  ["fw-1", "unknown"],
  ["port:", "empty"],
  ["port:80 port:81", "twice"],
  ["port:65536", "port"],
  ["verdict:lost", "verdict"],
  ["protocol:tcpp", "protocol"],
  ['target:"my', "quote"],
])("%s is refused as %s", (text, problem) => {
  expect(parseFilter(text).wrong?.problem).toBe(problem);
});

test("words are suggested first, then values that the flows have, and the half-typed term is replaced", () => {
  expect(suggestions("port:80 v", [])).toEqual(["verdict:"]);
  expect(suggestions("target:", [aFlow(), aFlow({ target_name: "my fw" })])).toEqual(["target:fw-1", 'target:"my fw"']);
  expect(completed("port:80 v", "verdict:")).toBe("port:80 verdict:");
  expect(completed("verdict:n", "verdict:no_targets")).toBe("verdict:no_targets ");
});
