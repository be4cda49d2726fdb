import { expect, test } from "vitest";
import { ofDestination, ofNoRoute } from "./routeFindings";

const loop = { sentence: "It goes round.", values: { destination: "0.0.0.0/0", endpoint: "vpce-1" } };
const edge = { sentence: "The edge table has no route.", values: { cidr: "10.0.1.0/24", subnet: "subnet-1" } };

test("a finding stands beside the route that causes it", () => {
  expect(ofDestination([edge, loop], "0.0.0.0/0")).toBe(loop);
  expect(ofDestination([loop], "10.0.0.0/16")).toBeUndefined();
});

test("a missing route has no row to stand beside", () => {
  expect(ofNoRoute([edge, loop], ["0.0.0.0/0"])).toEqual([edge]);
  expect(ofNoRoute([edge, loop], ["0.0.0.0/0", "10.0.1.0/24"])).toEqual([]);
});
