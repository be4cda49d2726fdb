import { useAws } from "../../api/aws";
import { type Flow, protocolNumber } from "./flow";

/** The reachability page's address for the flow's question; null until the interfaces are known, or when none is the account's. */
export function useReachOf(flow: Flow): string | null {
  const { data: interfaces } = useAws("ec2", "DescribeNetworkInterfaces", {});
  const { data: endpoints } = useAws("ec2", "DescribeVpcEndpoints", { VpcEndpointIds: [flow.endpoint] });
  const vpc = endpoints?.VpcEndpoints?.[0]?.VpcId;
  const { data: gateways } = useAws(
    "ec2",
    "DescribeInternetGateways",
    { Filters: [{ Name: "attachment.vpc-id", Values: [vpc ?? ""] }] },
    { enabled: vpc !== undefined },
  );
  const at = (address: string) =>
    interfaces?.NetworkInterfaces?.find(
      (one) => one.VpcId === vpc && one.PrivateIpAddresses?.some((mine) => mine.PrivateIpAddress === address),
    );
  const source = at(flow.source);
  const gateway = gateways?.InternetGateways?.[0]?.InternetGatewayId;
  const from = source?.NetworkInterfaceId ?? gateway;
  if (vpc === undefined || from === undefined) return null;
  const query = new URLSearchParams({
    source: from,
    destination: at(flow.destination)?.Attachment?.InstanceId ?? flow.destination,
    protocol: String(protocolNumber(flow.protocol)),
    destination_port: String(flow.destination_port),
  });
  if (!source) query.set("source_address", flow.source);
  return `/reachability?${query.toString()}`;
}
