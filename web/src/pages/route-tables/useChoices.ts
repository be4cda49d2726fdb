import { useAws } from "../../api/aws";
import { type Choices, choicesOf } from "./routeTargets";

/** What routes of a VPC can lead to, asked from the server. */
export function useChoices(vpc: string): Choices {
  const Filters = [{ Name: "vpc-id", Values: [vpc] }];
  const gateways = useAws("ec2", "DescribeInternetGateways", {
    Filters: [{ Name: "attachment.vpc-id", Values: [vpc] }],
  });
  const endpoints = useAws("ec2", "DescribeVpcEndpoints", { Filters });
  const instances = useAws("ec2", "DescribeInstances", { Filters });
  const interfaces = useAws("ec2", "DescribeNetworkInterfaces", { Filters });
  return choicesOf({
    gateways: gateways.data?.InternetGateways ?? [],
    endpoints: endpoints.data?.VpcEndpoints ?? [],
    instances: (instances.data?.Reservations ?? []).flatMap((one) => one.Instances ?? []),
    interfaces: interfaces.data?.NetworkInterfaces ?? [],
  });
}
