import type { TFunction } from "i18next";
import { expect, test } from "vitest";
import { worded } from "./reasons";
import { node } from "./testing";

const t = ((key: string, values: Record<string, string>) =>
  `${key} ${values.bad ?? ""}`) as unknown as TFunction<"map">;

test("the server's own reasons are said in the page's language, AWS's stay as they are", () => {
  const nodes = [
    node("1", "target-group", {
      reason: "1 of 2 targets unhealthy",
      why: { code: "unhealthy", values: { bad: "1", all: "2" } },
    }),
    node("2", "target-group", { reason: "Client.UserInitiatedShutdown" }),
  ];
  const said = worded({ revision: 1, nodes, edges: [] }, t);
  expect(said.nodes.map((one) => one.reason)).toEqual(["reason.unhealthy 1", "Client.UserInitiatedShutdown"]);
});
