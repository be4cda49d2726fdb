import { expect, test } from "vitest";
import type { DropRow } from "../../generated/read-api";
import { filtered, linesOf, pageOf, whyOf } from "./board";

const row = (some: Partial<DropRow>): DropRow => ({
  verdict: "no_route",
  packets: 5,
  bytes: 300,
  rate: 0,
  where: "eni-1",
  box: "vpc-1",
  device: "e1",
  meaning: "No route.",
  last: [],
  ...some,
});
const answer = {
  drops: [row({}), row({ verdict: "no_targets", where: "vpce-1", box: "gwlb-1", packets: 2, rate: 1 })],
  verdicts: [
    { verdict: "no_route", meaning: "No route." },
    { verdict: "malformed", meaning: "Not well-formed." },
  ],
};
const seen = (packet: string) => [{ age_s: 1, length: 60, packet }];

test("what is dropping now comes first, verdicts that ended nothing last and only when asked for", () => {
  expect(linesOf(answer, false).map((line) => line.verdict)).toEqual(["no_targets", "no_route"]);
  expect(linesOf(answer, true).at(-1)).toMatchObject({ verdict: "malformed", where: null, packets: 0 });
});

test("every word that is typed must be in a line, also in its packets", () => {
  const lines = linesOf({ ...answer, drops: [row({ last: seen("tcp 10.0.0.1:1 > 10.0.0.2:80") })] }, true);
  expect(filtered(lines, "ROUTE 10.0.0.2")).toHaveLength(1);
  expect(filtered(lines, "malformed 10.0.0.2")).toHaveLength(0);
});

test("an interface is asked for the reachability of its last packet, an endpoint for a walk, a box for nothing", () => {
  const [at] = linesOf({ ...answer, drops: [row({ last: seen("tcp [fd00::1]:1 > [fd00::2]:80 [S] ttl 3") })] }, false);
  const query = new URLSearchParams(at && whyOf(at)?.to.split("?")[1]);
  expect(Object.fromEntries(query)).toEqual({
    source: "eni-1",
    source_address: "fd00::1",
    destination: "fd00::2",
    protocol: "6",
    destination_port: "80",
  });
  expect(linesOf(answer, true).map((line) => whyOf(line)?.page)).toEqual(["walk", "reach", undefined]);
});

test("a place leads to its page where it has one", () => {
  expect(["vpce-1", "igw-1", "vpc-1", "eni-1", "ifindex 7"].map(pageOf)).toEqual([
    "/endpoints/vpce-1",
    "/internet-gateways/igw-1",
    "/vpcs/vpc-1",
    null,
    null,
  ]);
});
