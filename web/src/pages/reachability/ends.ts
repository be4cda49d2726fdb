/** The ends that an account's packets may have, as choices. */

import type { Input, Output } from "../../api/aws";
import { useAws } from "../../api/aws";
import { idAndName } from "../../common/names";
import type { Owners } from "./links";

type Interfaces = NonNullable<Output<"ec2", "DescribeNetworkInterfaces">["NetworkInterfaces"]>;

export interface End {
  value: string;
  label: string;
  description: string;
}

export interface Ends {
  instances: readonly End[];
  interfaces: readonly End[];
  gateways: readonly End[];
  owners: Owners;
}

const LIVING: Input<"ec2", "DescribeInstances"> = {
  Filters: [{ Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] }],
};

export function useEnds(): Ends {
  const { data: reserved } = useAws("ec2", "DescribeInstances", LIVING);
  const { data: cards } = useAws("ec2", "DescribeNetworkInterfaces", {});
  const { data: doors } = useAws("ec2", "DescribeInternetGateways", {});
  const interfaces = cards?.NetworkInterfaces ?? [];
  return {
    instances: (reserved?.Reservations ?? []).flatMap((one) =>
      (one.Instances ?? []).map((instance) => ({
        value: instance.InstanceId ?? "",
        label: idAndName(instance.InstanceId, instance),
        description: [instance.PrivateIpAddress, instance.PublicIpAddress].filter(Boolean).join(" · "),
      })),
    ),
    interfaces: interfaces.map((one) => ({
      value: one.NetworkInterfaceId ?? "",
      label: one.NetworkInterfaceId ?? "",
      description: [one.PrivateIpAddress, one.Description].filter(Boolean).join(" · "),
    })),
    gateways: (doors?.InternetGateways ?? []).flatMap((one) =>
      (one.Attachments ?? []).map((attached) => ({
        value: one.InternetGatewayId ?? "",
        label: idAndName(one.InternetGatewayId, one),
        description: attached.VpcId ?? "",
      })),
    ),
    owners: ownersOf(interfaces),
  };
}

export function ownersOf(interfaces: Interfaces): Owners {
  return new Map(
    interfaces.flatMap((one) =>
      one.NetworkInterfaceId && one.Attachment?.InstanceId ? [[one.NetworkInterfaceId, one.Attachment.InstanceId]] : [],
    ),
  );
}
