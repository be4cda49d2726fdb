import { expect, test } from "vitest";
import { type Entry, entriesOf, entryCalls, nextNumber, readEntry } from "./entries";

const http: Entry = { number: "100", preset: "http", ports: "80", cidr: "0.0.0.0/0", action: "allow" };
const operations = (before: Entry[], after: Entry[]) =>
  entryCalls("acl-1", "inbound", before, after).map((one) => one.operation);

test("nothing changed: nothing is called", () => {
  expect(operations([http], [{ ...http }])).toEqual([]);
});

test("a rule is its number: changed it is replaced, renumbered it is made anew before the old one goes", () => {
  expect(operations([http], [{ ...http, action: "deny" }])).toEqual(["ReplaceNetworkAclEntry"]);
  expect(operations([http], [{ ...http, number: "90" }])).toEqual(["CreateNetworkAclEntry", "DeleteNetworkAclEntry"]);
  expect(operations([http], [])).toEqual(["DeleteNetworkAclEntry"]);
});

test("ports, ICMP and both address families become what AWS's call has", () => {
  const [call] = entryCalls("acl-1", "outbound", [], [{ ...http, preset: "tcp", ports: "1024-65535", cidr: "::/0" }]);
  expect(call?.parameters).toEqual({
    NetworkAclId: "acl-1",
    Egress: true,
    RuleNumber: 100,
    Protocol: "6",
    RuleAction: "allow",
    Ipv6CidrBlock: "::/0",
    PortRange: { From: 1024, To: 65535 },
  });
  const [ping] = entryCalls("acl-1", "inbound", [], [{ ...http, preset: "icmp", ports: "" }]);
  expect(ping?.parameters).toMatchObject({ Protocol: "1", IcmpTypeCode: { Type: -1, Code: -1 } });
});

test("what the form has no field for survives being read and saved", () => {
  const gre = { RuleNumber: 5, Protocol: "47", CidrBlock: "10.0.0.0/8", RuleAction: "allow", Egress: false } as const;
  const echo = { ...gre, RuleNumber: 6, Protocol: "1", IcmpTypeCode: { Type: 8, Code: 0 } } as const;
  const read = entriesOf({ Entries: [echo, gre] }, "inbound").map(readEntry);
  expect(read.map((one) => [one.number, one.preset])).toEqual([
    ["5", "other"],
    ["6", "icmp"],
  ]);
  const [first, second] = entryCalls("acl-1", "inbound", [], read);
  expect(first?.parameters).toMatchObject({ Protocol: "47" });
  expect(second?.parameters).toMatchObject({ IcmpTypeCode: { Type: 8, Code: 0 } });
});

test("a new row comes a hundred after the last", () => {
  expect(nextNumber([])).toBe("100");
  expect(nextNumber([http, { ...http, number: "150" }])).toBe("200");
});
