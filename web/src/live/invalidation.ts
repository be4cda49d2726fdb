/** Which questions a changed object makes stale: kind of the store -> operations and read API names. */

const READS = ["map", "lint", "reach"];

const OPERATIONS: Record<string, readonly string[]> = {
  Vpc: ["DescribeVpcs"],
  Subnet: ["DescribeSubnets"],
  InternetGateway: ["DescribeInternetGateways"],
  RouteTable: ["DescribeRouteTables"],
  NetworkInterface: ["DescribeNetworkInterfaces"],
  Address: ["DescribeAddresses"],
  SecurityGroup: ["DescribeSecurityGroups", "DescribeSecurityGroupRules"],
  NetworkAcl: ["DescribeNetworkAcls"],
  Instance: ["DescribeInstances", "DescribeInstanceStatus", "DescribeInstanceAttribute"],
  Image: ["DescribeImages", "DescribeImageAttribute", "images", "marketplace"],
  Agreement: ["marketplace"],
  Catalogue: ["marketplace"],
  Certification: ["images", "marketplace"],
  LoadBalancer: ["DescribeLoadBalancers", "DescribeLoadBalancerAttributes", "DescribeTargetGroups"],
  TargetGroup: ["DescribeTargetGroups", "DescribeTargetGroupAttributes"],
  Target: ["DescribeTargetHealth", "targets"],
  Listener: ["DescribeListeners", "DescribeTargetGroups"],
  EndpointService: [
    "DescribeVpcEndpointServiceConfigurations",
    "DescribeVpcEndpointServicePermissions",
    "DescribeVpcEndpointServices",
  ],
  VpcEndpoint: ["DescribeVpcEndpoints", "DescribeVpcEndpointConnections", "DescribeRouteTables"],
  InterfaceEndpoint: ["DescribeVpcEndpoints"],
  FlowLog: ["DescribeFlowLogs"],
};

/** Names of stale questions. A route table's states follow endpoints, instances and gateways, so it is asked with them. */
export function staleAfter(kinds: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>(READS);
  for (const kind of kinds) for (const name of OPERATIONS[kind] ?? []) found.add(name);
  return found;
}

/** Whether a query's key asks one of these: ["aws", account, region, service, operation, …] or ["read", account, region, name, …]. */
export function isStale(key: readonly unknown[], names: ReadonlySet<string>): boolean {
  const name = key[0] === "aws" ? key[4] : key[3];
  return (key[0] === "aws" || key[0] === "read") && typeof name === "string" && names.has(name);
}
