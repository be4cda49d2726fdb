import { expect, test } from "vitest";
import { asked, ofFlow, queryOf, typedIn } from "./question";

const flow = {
  endpoint: "vpce-1",
  protocol: "tcp",
  source: "192.0.2.1",
  source_port: 40000,
  destination: "10.0.1.4",
  destination_port: 80,
};

test("a living flow is followed by any of its packets, in numbers", () => {
  const question = asked(ofFlow(flow), "ko");
  expect(question).toMatchObject({ endpoint: "vpce-1", port: 80, client_port: 40000, protocol: 6, live: true });
  expect(question.language).toBe("ko");
});

test("what is not typed is not asked", () => {
  const question = asked(typedIn(new URLSearchParams({ server: "203.0.113.4" })), "en");
  expect(question).toMatchObject({ server: "203.0.113.4", endpoint: undefined, port: undefined, live: false });
});

test("a protocol's name in the address is its number, and the address keeps only what is typed", () => {
  expect(queryOf(typedIn(new URLSearchParams({ protocol: "udp", other: "x" })))).toEqual({ protocol: "17" });
});

test("what is no number goes to the server as it was typed", () => {
  expect(asked(typedIn(new URLSearchParams({ port: "http" })), "en").port).toBe("http");
});
