import { expect, test } from "vitest";
import type { Caller } from "../../common/useCalls";
import { asCalls, type Made, makeAll, steps } from "./layout";

const layout = {
  name: "shop",
  cidr: "10.0.0.0/16",
  applicationCidr: "10.0.0.32/28",
  endpointCidr: "10.0.0.0/28",
  zone: "",
};

/** Answers every Create call with an id; refuses `refused` as long as it says so. */
function server(refused: { now: string | null }) {
  const calls: [string, unknown][] = [];
  const call = (_: string, operation: string, parameters: unknown) => {
    if (operation === refused.now) return Promise.reject(new Error("refused"));
    calls.push([operation, parameters]);
    const noun = operation.replace("Create", "");
    return Promise.resolve({ [noun]: { [`${noun}Id`]: `${noun}-${String(calls.length)}` } });
  };
  return { calls, call: call as unknown as Caller };
}

test("the application's subnet, the endpoint's and the gateway get a route table each, and only the endpoint's leads out", async () => {
  const { calls, call } = server({ now: null });
  const made = await makeAll(call, steps(layout), {}, () => undefined);
  expect(
    calls.filter(([operation]) => operation === "AssociateRouteTable").map(([, parameters]) => parameters),
  ).toEqual([
    { RouteTableId: made["rtb-application"], SubnetId: made.application },
    { RouteTableId: made["rtb-endpoint"], SubnetId: made.endpoint },
    { RouteTableId: made["rtb-edge"], GatewayId: made.igw },
  ]);
  expect(calls.find(([operation]) => operation === "CreateRoute")?.[1]).toEqual({
    RouteTableId: made["rtb-endpoint"],
    DestinationCidrBlock: "0.0.0.0/0",
    GatewayId: made.igw,
  });
});

test("after a refusal the next try goes on where it stopped", async () => {
  const refused: { now: string | null } = { now: "AttachInternetGateway" };
  const { calls, call } = server(refused);
  let made: Made = {};
  const told = (now: Made) => {
    made = now;
  };
  await expect(makeAll(call, steps(layout), made, told)).rejects.toThrow("refused");
  refused.now = null;
  await makeAll(call, steps(layout), made, told);
  expect(calls.filter(([operation]) => operation === "CreateVpc")).toHaveLength(1);
  expect(calls).toHaveLength(steps(layout).length);
});

test("as commands, ids that are not there yet are variables", () => {
  const attach = asCalls(steps(layout)).find((one) => one.operation === "AttachInternetGateway");
  expect(attach?.parameters).toEqual({ InternetGatewayId: "$IGW", VpcId: "$VPC" });
});
