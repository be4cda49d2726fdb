import { expect, test } from "vitest";
import { AwsError } from "../../api/http";
import { asked, errorsOf, queryOf, typedIn } from "./question";

const flow = {
  source: "igw-1",
  source_address: "192.0.2.1",
  destination: "i-1",
  protocol: "6",
  destination_port: "80",
};

test("a link's question is read from the address and goes back into it unchanged", () => {
  expect(queryOf(typedIn(new URLSearchParams({ ...flow, other: "x" })))).toEqual(flow);
});

test("numbers are asked as numbers, in the reader's language", () => {
  expect(asked(flow, "ko")).toEqual({ ...flow, protocol: 6, destination_port: 80, language: "ko" });
});

test("nothing is asked before both ends are named, and without a protocol it is TCP", () => {
  const typed = typedIn(new URLSearchParams({ source: "i-1" }));
  expect(typed.protocol).toBe("6");
  expect(asked(typed, "en")).toBeNull();
});

test("an address of the internet means nothing for an instance, nor a port for ICMP", () => {
  expect(queryOf({ ...flow, source: "i-2", protocol: "1" })).toEqual({
    source: "i-2",
    destination: "i-1",
    protocol: "1",
  });
});

test("what is no number goes to the server as it was typed", () => {
  expect(asked({ ...flow, destination_port: "http" }, "en")?.destination_port).toBe("http");
});

test("a refusal stands beside the field that it names, or that names what is not there", () => {
  const refused = (message: string) => errorsOf(new AwsError("ValidationError", message, "r-1", 400), flow);
  expect(refused("destination: i-1 has no public IPv4 address.").at("destination")).toContain("r-1");
  expect(refused("destination_port: a number of at most 65535").at("destination_port")).toBeDefined();
  expect(refused("source_address: 'x' is neither an IPv4 nor an IPv6 address").at("source")).toBeUndefined();
  expect(refused("There is no igw-1 with a port in the network.").at("source")).toBeDefined();
  expect(refused("By the rules alone this cannot be told.").rest?.code).toBe("ValidationError");
});
