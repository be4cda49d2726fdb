/** "VPC and more": the layout in which an application's packets can be inspected, as single calls of AWS's API. */

import type { Call } from "../../common/Equivalent";
import { make, type Caller } from "../../common/useCalls";

export interface Layout {
  name: string;
  cidr: string;
  applicationCidr: string;
  endpointCidr: string;
  zone: string;
}

/** Ids by the step that made them. */
export type Made = Partial<Record<string, string>>;

export interface Step {
  id: string;
  operation: string;
  parameters: (id: (step: string) => string) => object;
  /** Where the id of what was made stands in the answer. */
  made?: readonly [string, string];
}

const named = (resourceType: string, name: string) => [
  { ResourceType: resourceType, Tags: [{ Key: "Name", Value: name }] },
];

/** One VPC, a subnet for the application and one for the endpoint, an internet gateway, and a route table for each of the three. */
export function steps({ name, cidr, applicationCidr, endpointCidr, zone }: Layout): Step[] {
  const AvailabilityZone = zone || undefined;
  const subnet = (id: string, CidrBlock: string): Step => ({
    id,
    operation: "CreateSubnet",
    parameters: (of) => ({
      VpcId: of("vpc"),
      CidrBlock,
      AvailabilityZone,
      TagSpecifications: named("subnet", `${name}-${id}`),
    }),
    made: ["Subnet", "SubnetId"],
  });
  const table = (id: string): Step => ({
    id,
    operation: "CreateRouteTable",
    parameters: (of) => ({ VpcId: of("vpc"), TagSpecifications: named("route-table", `${name}-${id}`) }),
    made: ["RouteTable", "RouteTableId"],
  });
  const associate = (rtb: string, member: string, what: string): Step => ({
    id: `${rtb} of ${what}`,
    operation: "AssociateRouteTable",
    parameters: (of) => ({ RouteTableId: of(rtb), [member]: of(what) }),
  });
  return [
    {
      id: "vpc",
      operation: "CreateVpc",
      parameters: () => ({ CidrBlock: cidr, TagSpecifications: named("vpc", `${name}-vpc`) }),
      made: ["Vpc", "VpcId"],
    },
    subnet("application", applicationCidr),
    subnet("endpoint", endpointCidr),
    {
      id: "igw",
      operation: "CreateInternetGateway",
      parameters: () => ({ TagSpecifications: named("internet-gateway", `${name}-igw`) }),
      made: ["InternetGateway", "InternetGatewayId"],
    },
    {
      id: "attachment",
      operation: "AttachInternetGateway",
      parameters: (of) => ({ InternetGatewayId: of("igw"), VpcId: of("vpc") }),
    },
    table("rtb-application"),
    table("rtb-endpoint"),
    table("rtb-edge"),
    {
      id: "way out",
      operation: "CreateRoute",
      parameters: (of) => ({
        RouteTableId: of("rtb-endpoint"),
        DestinationCidrBlock: "0.0.0.0/0",
        GatewayId: of("igw"),
      }),
    },
    associate("rtb-application", "SubnetId", "application"),
    associate("rtb-endpoint", "SubnetId", "endpoint"),
    associate("rtb-edge", "GatewayId", "igw"),
  ];
}

/** The calls with a shell variable where an id is not there yet, for the same as commands. */
export const asCalls = (all: readonly Step[]): Call[] =>
  all.map((step) => ({
    service: "ec2",
    operation: step.operation,
    parameters: step.parameters((id) => `$${id.toUpperCase().replace(/\W/g, "_")}`),
  }));

/** Makes what `done` does not have yet, one after the other; `told` hears what is there, so that another try goes on behind a refusal. Raises AwsError. */
export async function makeAll(
  call: Caller,
  all: readonly Step[],
  done: Made,
  told: (made: Made) => void,
): Promise<Made> {
  let made = done;
  const id = (step: string) => made[step] ?? "";
  for (const step of all) {
    if (made[step.id] !== undefined) continue;
    const answer = await make(call, { service: "ec2", operation: step.operation, parameters: step.parameters(id) });
    made = { ...made, [step.id]: idIn(answer, step.made) };
    told(made);
  }
  return made;
}

function idIn(answer: unknown, path: Step["made"]): string {
  let found = answer;
  for (const name of path ?? []) found = (found as Record<string, unknown> | undefined)?.[name];
  return typeof found === "string" ? found : "done";
}
