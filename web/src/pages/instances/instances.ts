/** Instances as EC2's answers have them: within reservations, with images elsewhere. */

import type { ec2 } from "../../generated/aws";

export const flat = (answer: ec2.DescribeInstancesResult | undefined): ec2.Instance[] | undefined =>
  answer?.Reservations?.flatMap((reservation) => reservation.Instances ?? []);

export type StateChange = "StartInstances" | "StopInstances" | "RebootInstances" | "TerminateInstances";

const FROM: Record<StateChange, readonly string[]> = {
  StartInstances: ["stopped"],
  StopInstances: ["pending", "running"],
  RebootInstances: ["running"],
  TerminateInstances: ["pending", "running", "stopping", "stopped"],
};

/** Whether every one of the instances is in a state from which AWS takes the call. */
export function possible(change: StateChange, instances: readonly ec2.Instance[]): boolean {
  return instances.length > 0 && instances.every((one) => FROM[change].includes(one.State?.Name ?? ""));
}

export interface Launch {
  name: string;
  image: string | null;
  type: string;
  vpc: string | null;
  subnet: string | null;
  groups: readonly string[];
  publicAddress: boolean;
  userData: string;
  count: string;
}

/** What RunInstances is asked. A public address is a matter of the interface, so subnet and groups are then said there. */
export function runParameters(launch: Launch): ec2.RunInstancesRequest {
  const count = Number(launch.count);
  const subnet = launch.subnet ?? undefined;
  const groups = launch.groups.length > 0 ? [...launch.groups] : undefined;
  return {
    ImageId: launch.image ?? undefined,
    InstanceType: launch.type,
    MinCount: count,
    MaxCount: count,
    NetworkInterfaces: [
      { DeviceIndex: 0, SubnetId: subnet, Groups: groups, AssociatePublicIpAddress: launch.publicAddress },
    ],
    UserData: launch.userData === "" ? undefined : launch.userData,
    TagSpecifications:
      launch.name === "" ? undefined : [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: launch.name }] }],
  };
}

/** What GetConsoleOutput answers, as text. */
export function consoleText(output: string | undefined): string {
  if (!output) return "";
  return new TextDecoder().decode(Uint8Array.from(atob(output), (letter) => letter.charCodeAt(0)));
}

/** Text as a member takes it that the model calls bytes. */
export function inBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/** Whether AWS takes other security groups at the instance itself: it must be there, with one network interface. */
export function changeable(instance: ec2.Instance | undefined): boolean {
  const ended = ["shutting-down", "terminated"].includes(instance?.State?.Name ?? "terminated");
  return !ended && instance?.NetworkInterfaces?.length === 1;
}

export const groupOptions = (groups: readonly ec2.SecurityGroup[]) =>
  groups.map((one) => ({ value: one.GroupId ?? "", label: one.GroupId, description: one.GroupName }));

/** The marketplace's product whose terms stand between this image and a launch that was refused. */
export function refusedProduct(code: string | undefined, image: ec2.Image | undefined): string | undefined {
  return code === "OptInRequired" ? image?.ProductCodes?.[0]?.ProductCodeId : undefined;
}
