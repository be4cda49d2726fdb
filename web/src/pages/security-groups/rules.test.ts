import { expect, test } from "vitest";
import { changes, permission, readRule, type Rule } from "./rules";

const health: Rule = { id: "sgr-1", preset: "http", ports: "80", peer: "10.1.0.0/24", description: "" };

test("a rule is read back under the preset that has its protocol and port", () => {
  const read = readRule({
    SecurityGroupRuleId: "sgr-2",
    IpProtocol: "udp",
    FromPort: 6081,
    ToPort: 6081,
    CidrIpv4: "10.1.0.0/24",
  });
  expect(read.preset).toBe("geneve");
  expect(readRule({ IpProtocol: "tcp", FromPort: 8000, ToPort: 8100, CidrIpv4: "0.0.0.0/0" })).toMatchObject({
    preset: "tcp",
    ports: "8000-8100",
  });
  expect(readRule({ IpProtocol: "-1", ReferencedGroupInfo: { GroupId: "sg-1" } })).toMatchObject({
    preset: "all",
    peer: "sg-1",
  });
});

test("ports, groups and both address families become what AWS's call has", () => {
  expect(permission({ ...health, preset: "tcp", ports: "8000-8100" })).toMatchObject({ FromPort: 8000, ToPort: 8100 });
  expect(permission({ ...health, peer: "sg-9" })).toMatchObject({ UserIdGroupPairs: [{ GroupId: "sg-9" }] });
  expect(permission({ ...health, peer: "::/0", description: "v6" })).toMatchObject({
    Ipv6Ranges: [{ CidrIpv6: "::/0", Description: "v6" }],
  });
  expect(permission({ ...health, preset: "all", ports: "" })).toEqual({
    IpProtocol: "-1",
    IpRanges: [{ CidrIp: "10.1.0.0/24" }],
  });
});

test("nothing changed: nothing is called", () => {
  expect(changes("sg-1", "inbound", [health], [{ ...health }])).toEqual([]);
});

test("a changed rule is added anew before its old form goes", () => {
  const calls = changes("sg-1", "inbound", [health], [{ ...health, peer: "0.0.0.0/0" }]);
  expect(calls.map((call) => call.operation)).toEqual(["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]);
  expect(calls[0]?.row).toBe(0);
});
