import { expect, test } from "vitest";
import { AwsError } from "../../../api/http";
import { fieldErrors } from "../../../common/fieldErrors";
import { type Draft, EMPTY, missingIn, NOTHING, plannedCalls, RULES } from "./draft";

const draft: Draft = {
  ...EMPTY,
  name: "inspection",
  vpc: "vpc-1",
  subnets: { "eu-west-1b": "subnet-b", "eu-west-1a": "subnet-a" },
  group: { ...EMPTY.group, name: "firewalls" },
  targets: [{ id: "i-1", note: "fw-1" }],
};
const operations = (calls: { operation: string }[]) => calls.map((one) => one.operation);

test("the review shows every call that Create makes, in their order", () => {
  const calls = plannedCalls(draft, NOTHING);
  expect(operations(calls)).toEqual(["CreateLoadBalancer", "CreateTargetGroup", "RegisterTargets", "CreateListener"]);
  expect(calls[0]?.parameters).toEqual({
    Name: "inspection",
    Type: "gateway",
    IpAddressType: "ipv4",
    Subnets: ["subnet-a", "subnet-b"],
  });
  expect(calls[3]?.parameters).toEqual({
    LoadBalancerArn: "LOAD-BALANCER-ARN",
    DefaultActions: [{ Type: "forward", TargetGroupArn: "TARGET-GROUP-ARN" }],
  });
});

test("what a try that ended half-way made is not made again", () => {
  const calls = plannedCalls(draft, { loadBalancer: "arn:lb", targetGroup: "arn:tg", registered: [] });
  expect(operations(calls)).toEqual(["RegisterTargets", "CreateListener"]);
  expect(calls[1]?.parameters).toMatchObject({ LoadBalancerArn: "arn:lb" });
});

test("an existing group is used as it is, and no targets are no call", () => {
  const existing: Draft = { ...draft, routing: "existing", existing: "arn:tg", targets: [] };
  expect(operations(plannedCalls(existing, NOTHING))).toEqual(["CreateLoadBalancer", "CreateListener"]);
});

test("only targets that were added since are registered in the next try", () => {
  const more: Draft = { ...draft, targets: [...draft.targets, { id: "i-2", note: "" }] };
  const calls = plannedCalls(more, { loadBalancer: "arn:lb", targetGroup: "arn:tg", registered: ["i-1"] });
  expect(calls[0]?.parameters).toEqual({ TargetGroupArn: "arn:tg", Targets: [{ Id: "i-2" }] });
});

test("a step names what it cannot go on without", () => {
  expect(missingIn(0, EMPTY)).toEqual(["name", "vpc", "subnets"]);
  expect(missingIn(1, EMPTY)).toEqual(["group.name"]);
  expect(missingIn(1, { ...EMPTY, routing: "existing" })).toEqual(["existing"]);
  expect(missingIn(2, EMPTY)).toEqual([]);
});

test.each([
  ["loadBalancer", "Load balancer name '-x' cannot begin or end with '-'", "name"],
  ["loadBalancer", "Not enough IP space available in subnet-1. ELB requires at least 8 free IP addresses", "subnets"],
  ["loadBalancer", "You must specify subnets with an associated IPv6 CIDR block: subnet-1 have none", "ipAddressType"],
  ["targets", "The following targets are not in a running state and cannot be registered: 'i-1'", "targets"],
  ["listener", "The following target groups cannot be associated with more than one load balancer", "existing"],
] as const)("%s: %s stands beside %s", (stage, message, field) => {
  const errors = fieldErrors(new AwsError("ValidationError", message, undefined, 400), RULES[stage]);
  expect(errors.at(field)).toContain(message);
});
