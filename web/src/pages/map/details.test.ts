import { expect, test } from "vitest";
import { facts } from "./details";
import { node } from "./testing";

test("only what a node has is said", () => {
  expect(facts(node("subnet-1", "subnet", { vpc: "vpc-1", zone: "a", detail: { cidrs: ["10.0.0.0/24"] } }))).toEqual([
    { label: "account", values: ["1"] },
    { label: "vpc", values: ["vpc-1"] },
    { label: "zone", values: ["a"] },
    { label: "cidrs", values: ["10.0.0.0/24"] },
  ]);
});

test("a health check is said in one breath, attributes by AWS's own names", () => {
  const check = {
    protocol: "HTTP",
    port: "80",
    path: "/health",
    matcher: "200-399",
    interval_s: 10,
    timeout_s: 5,
    healthy_threshold: 3,
    unhealthy_threshold: 2,
  };
  const group = node("tg", "target-group", {
    account: null,
    detail: { check, attributes: { "stickiness.type": "x" } },
  });
  expect(facts(group)).toEqual([
    { label: "check", values: ["HTTP 80/health = 200-399", "10 s, 5 s, 3 / 2"] },
    { label: "=stickiness.type", values: ["x"] },
  ]);
});
