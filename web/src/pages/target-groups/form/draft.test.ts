import { expect, test } from "vitest";
import { AwsError } from "../../../api/http";
import { fieldErrors } from "../../../common/fieldErrors";
import { checkDraftOf, checkParameters, createInput, DEFAULT_CHECK, EMPTY_GROUP, GROUP_RULES } from "./draft";

test("a new target group says GENEVE, 6081 and AWS's defaults in words of its own", () => {
  expect(createInput({ ...EMPTY_GROUP, name: "fw" }, "vpc-1")).toEqual({
    Name: "fw",
    TargetType: "instance",
    Protocol: "GENEVE",
    Port: 6081,
    VpcId: "vpc-1",
    HealthCheckProtocol: "TCP",
    HealthCheckPort: "80",
    HealthyThresholdCount: 5,
    UnhealthyThresholdCount: 2,
    HealthCheckTimeoutSeconds: 5,
    HealthCheckIntervalSeconds: 10,
  });
});

test("path and codes are asked for with HTTP only", () => {
  expect(checkParameters(DEFAULT_CHECK)).not.toHaveProperty("HealthCheckPath");
  expect(checkParameters({ ...DEFAULT_CHECK, protocol: "HTTP" })).toMatchObject({
    HealthCheckPath: "/",
    Matcher: { HttpCode: "200-399" },
  });
});

test("a field that was emptied is left to the server", () => {
  expect(checkParameters({ ...DEFAULT_CHECK, timeout: "" }).HealthCheckTimeoutSeconds).toBeUndefined();
});

test("an existing group's settings come back as they were", () => {
  const check = { ...DEFAULT_CHECK, protocol: "HTTP", port: "8080", path: "/ready", interval: "30" };
  expect(checkDraftOf({ ...checkParameters(check) })).toEqual(check);
});

test.each([
  ["Health check timeout '20' must be smaller than or equal to the interval '10'", "check.timeout"],
  ["Value '1' at 'unhealthyThresholdCount' failed to satisfy constraint", "check.unhealthy"],
  ["Value '1' at 'healthyThresholdCount' failed to satisfy constraint", "check.healthy"],
  ["Health check port 'x' must be 'traffic-port' or a port between '1-65535' inclusive", "check.port"],
  ["Target group name '-fw' cannot begin or end with '-'", "group.name"],
  ["The VPC ID 'vpc-1' is not found", "group.vpc"],
] as const)("%s stands beside %s", (message, field) => {
  const errors = fieldErrors(new AwsError("ValidationError", message, undefined, 400), GROUP_RULES);
  expect(errors.at(field)).toContain(message);
});
