// A GWLB set-up of two accounts as people write it with the JavaScript SDK: waiters, paginators, idempotent creates; and its removal.
// AWS_ENDPOINT_URL, AWS_REGION and the files of credentials are in the environment. Prints one line of JSON when all went well.
import assert from "node:assert/strict";
import { CloudWatch, paginateListMetrics } from "@aws-sdk/client-cloudwatch";
import * as ec2 from "@aws-sdk/client-ec2";
import * as elb from "@aws-sdk/client-elastic-load-balancing-v2";
import { ResourceGroupsTaggingAPI, paginateGetResources } from "@aws-sdk/client-resource-groups-tagging-api";
import { STS } from "@aws-sdk/client-sts";

const zone = `${process.env.AWS_REGION}a`;
const made = {};

const provider = clients("provider");
const consumer = clients("consumer");

function clients(profile) {
  return {
    ec2: new ec2.EC2({ profile }),
    elb: new elb.ElasticLoadBalancingV2({ profile }),
    sts: new STS({ profile }),
    cloudwatch: new CloudWatch({ profile }),
    tagging: new ResourceGroupsTaggingAPI({ profile }),
  };
}

function waiting(client) {
  return { client, minDelay: 1, maxDelay: 2, maxWaitTime: 30 };
}

function tagged(ResourceType, Name) {
  return [{ ResourceType, Tags: [{ Key: "Name", Value: Name }, { Key: "environment", Value: "judged" }] }];
}

async function refused(code, call) {
  await assert.rejects(call, (error) => (assert.equal(error.name, code), true));
}

async function gathered(pages, key) {
  const found = [];
  for await (const page of pages) found.push(...(page[key] ?? []));
  return found;
}

async function buildProvider() {
  const { ec2: api } = provider;
  made.security = (await api.createVpc({ CidrBlock: "10.1.0.0/16", TagSpecifications: tagged("vpc", "security") })).Vpc.VpcId;
  made.appliances = (
    await api.createSubnet({ VpcId: made.security, CidrBlock: "10.1.0.0/24", AvailabilityZone: zone })
  ).Subnet.SubnetId;
  await ec2.waitUntilSubnetAvailable(waiting(api), { SubnetIds: [made.appliances] });
  made.group = (
    await api.createSecurityGroup({ GroupName: "appliances", Description: "GENEVE", VpcId: made.security })
  ).GroupId;
  await ec2.waitUntilSecurityGroupExists(waiting(api), { GroupIds: [made.group] });
  const IpRanges = [{ CidrIp: "10.1.0.0/16" }];
  await api.authorizeSecurityGroupIngress({
    GroupId: made.group,
    IpPermissions: [
      { IpProtocol: "udp", FromPort: 6081, ToPort: 6081, IpRanges },
      { IpProtocol: "tcp", FromPort: 80, ToPort: 80, IpRanges },
    ],
  });
  const { Images } = await api.describeImages({ Filters: [{ Name: "name", Values: ["opengwlb/inspector"] }] });
  const { Instances } = await api.runInstances({
    ImageId: Images[0].ImageId,
    MinCount: 1,
    MaxCount: 1,
    SubnetId: made.appliances,
    SecurityGroupIds: [made.group],
  });
  made.appliance = Instances[0].InstanceId;
  await ec2.waitUntilInstanceRunning(waiting(api), { InstanceIds: [made.appliance] });
  await balance();
  const { ServiceConfiguration } = await api.createVpcEndpointServiceConfiguration({
    GatewayLoadBalancerArns: [made.balancer],
    AcceptanceRequired: true,
  });
  made.service = ServiceConfiguration.ServiceId;
  made.serviceName = ServiceConfiguration.ServiceName;
  const { Account } = await consumer.sts.getCallerIdentity({});
  await api.modifyVpcEndpointServicePermissions({
    ServiceId: made.service,
    AddAllowedPrincipals: [`arn:aws:iam::${Account}:root`],
  });
}

async function balance() {
  const { elb: api } = provider;
  made.balancer = (
    await api.createLoadBalancer({ Name: "judged", Type: "gateway", Subnets: [made.appliances] })
  ).LoadBalancers[0].LoadBalancerArn;
  await elb.waitUntilLoadBalancerAvailable(waiting(api), { LoadBalancerArns: [made.balancer] });
  const group = await api.createTargetGroup({
    Name: "judged",
    Protocol: "GENEVE",
    Port: 6081,
    VpcId: made.security,
    HealthCheckIntervalSeconds: 5,
    HealthCheckTimeoutSeconds: 2,
    HealthyThresholdCount: 2,
  });
  made.targets = group.TargetGroups[0].TargetGroupArn;
  await api.modifyTargetGroupAttributes({
    TargetGroupArn: made.targets,
    Attributes: [{ Key: "deregistration_delay.timeout_seconds", Value: "1" }],
  });
  await api.registerTargets({ TargetGroupArn: made.targets, Targets: [{ Id: made.appliance }] });
  made.listener = (
    await api.createListener({
      LoadBalancerArn: made.balancer,
      DefaultActions: [{ Type: "forward", TargetGroupArn: made.targets }],
    })
  ).Listeners[0].ListenerArn;
}

async function buildConsumer() {
  const { ec2: api } = consumer;
  made.vpc = (await api.createVpc({ CidrBlock: "10.0.0.0/16", TagSpecifications: tagged("vpc", "shop") })).Vpc.VpcId;
  made.igw = (await api.createInternetGateway({})).InternetGateway.InternetGatewayId;
  await ec2.waitUntilInternetGatewayExists(waiting(api), { InternetGatewayIds: [made.igw] });
  await api.attachInternetGateway({ InternetGatewayId: made.igw, VpcId: made.vpc });
  for (const [name, CidrBlock] of [["application", "10.0.0.0/24"], ["endpoints", "10.0.1.0/24"]]) {
    const { Subnet } = await api.createSubnet({ VpcId: made.vpc, CidrBlock, AvailabilityZone: zone });
    made[name] = Subnet.SubnetId;
  }
  await connect();
  for (const [name, target] of [
    ["edge", { GatewayId: made.igw }],
    ["inspected", { SubnetId: made.application }],
    ["passed", { SubnetId: made.endpoints }],
  ]) {
    made[name] = (await api.createRouteTable({ VpcId: made.vpc })).RouteTable.RouteTableId;
    made[`${name}Association`] = (await api.associateRouteTable({ RouteTableId: made[name], ...target })).AssociationId;
  }
  const everywhere = "0.0.0.0/0";
  await api.createRoute({ RouteTableId: made.edge, DestinationCidrBlock: "10.0.0.0/24", VpcEndpointId: made.endpoint });
  await api.createRoute({ RouteTableId: made.inspected, DestinationCidrBlock: everywhere, VpcEndpointId: made.endpoint });
  await api.createRoute({ RouteTableId: made.passed, DestinationCidrBlock: everywhere, GatewayId: made.igw });
  await provider.ec2.acceptVpcEndpointConnections({ ServiceId: made.service, VpcEndpointIds: [made.endpoint] });
}

async function connect() {
  const { VpcEndpoint } = await consumer.ec2.createVpcEndpoint({
    VpcEndpointType: "GatewayLoadBalancer",
    ServiceName: made.serviceName,
    VpcId: made.vpc,
    SubnetIds: [made.endpoints],
    ClientToken: "judged",
  });
  made.endpoint = VpcEndpoint.VpcEndpointId;
}

async function filter() {
  const { ec2: api } = consumer;
  made.acl = (await api.createNetworkAcl({ VpcId: made.vpc })).NetworkAcl.NetworkAclId;
  for (const Egress of [true, false]) {
    await api.createNetworkAclEntry({
      NetworkAclId: made.acl,
      RuleNumber: 100,
      Protocol: "-1",
      RuleAction: "allow",
      Egress,
      CidrBlock: "0.0.0.0/0",
    });
  }
  const acls = await gathered(
    ec2.paginateDescribeNetworkAcls({ client: api }, { Filters: [{ Name: "vpc-id", Values: [made.vpc] }] }),
    "NetworkAcls",
  );
  const byDefault = acls.find((one) => one.IsDefault);
  made.defaultAcl = byDefault.NetworkAclId;
  const held = byDefault.Associations.find((one) => one.SubnetId === made.application);
  made.aclAssociation = (
    await api.replaceNetworkAclAssociation({
      AssociationId: held.NetworkAclAssociationId,
      NetworkAclId: made.acl,
    })
  ).NewAssociationId;
}

async function look() {
  const client = consumer.ec2;
  const { Subnets } = await client.describeSubnets({});
  const paged = await gathered(ec2.paginateDescribeSubnets({ client, pageSize: 5 }, {}), "Subnets");
  assert.deepEqual(paged, Subnets);
  const tables = await gathered(
    ec2.paginateDescribeRouteTables(
      { client, pageSize: 5 },
      { Filters: [{ Name: "association.gateway-id", Values: [made.igw] }] },
    ),
    "RouteTables",
  );
  const route = tables[0].Routes.find((one) => one.GatewayId === made.endpoint);
  assert.deepEqual([route.DestinationCidrBlock, route.State], ["10.0.0.0/24", "active"]);
  const balancers = await gathered(
    elb.paginateDescribeLoadBalancers({ client: provider.elb, pageSize: 1 }, {}),
    "LoadBalancers",
  );
  assert.deepEqual(balancers.map((one) => [one.LoadBalancerArn, one.Type]), [[made.balancer, "gateway"]]);
  assert.ok(balancers[0].CreatedTime instanceof Date);
}

async function runAgain() {
  const once = JSON.stringify(made);
  await balance();
  await connect();
  assert.equal(JSON.stringify(made), once);
  await elb.waitUntilTargetInService(waiting(provider.elb), {
    TargetGroupArn: made.targets,
    Targets: [{ Id: made.appliance }],
  });
  const taken = { RouteTableId: made.edge, DestinationCidrBlock: "10.0.0.0/24", GatewayId: made.igw };
  await refused("RouteAlreadyExists", consumer.ec2.createRoute(taken));
  await refused("DryRunOperation", consumer.ec2.deleteVpc({ VpcId: made.vpc, DryRun: true }));
  await refused("DependencyViolation", consumer.ec2.deleteVpc({ VpcId: made.vpc }));
  await refused("LoadBalancerNotFoundException", consumer.elb.describeLoadBalancers({ LoadBalancerArns: [made.balancer] }));
}

async function measure() {
  const { cloudwatch: client } = consumer;
  const Namespace = "judged";
  const Timestamp = new Date(Date.now() - 60_000);
  await client.putMetricData({ Namespace, MetricData: [{ MetricName: "orders", Value: 3, Unit: "Count", Timestamp }] });
  const metrics = await gathered(paginateListMetrics({ client }, { Namespace }), "Metrics");
  assert.deepEqual(metrics.map((one) => one.MetricName), ["orders"]);
  const { Datapoints } = await client.getMetricStatistics({
    Namespace,
    MetricName: "orders",
    StartTime: new Date(Date.now() - 600_000),
    EndTime: new Date(Date.now() + 60_000),
    Period: 60,
    Statistics: ["Sum"],
  });
  assert.deepEqual(Datapoints.map((one) => [one.Sum, one.Unit]), [[3, "Count"]]);
}

async function label() {
  const { tagging: client } = consumer;
  const { Account } = await consumer.sts.getCallerIdentity({});
  const arn = `arn:aws:ec2:${process.env.AWS_REGION}:${Account}:vpc/${made.vpc}`;
  const failed = await client.tagResources({ ResourceARNList: [arn], Tags: { owner: "judges" } });
  assert.deepEqual(failed.FailedResourcesMap ?? {}, {});
  const TagFilters = [{ Key: "owner", Values: ["judges"] }];
  const found = await gathered(paginateGetResources({ client }, { TagFilters }), "ResourceTagMappingList");
  assert.deepEqual(found.map((one) => one.ResourceARN), [arn]);
  await client.untagResources({ ResourceARNList: [arn], TagKeys: ["owner"] });
}

async function remove() {
  const { ec2: mine } = consumer;
  await mine.replaceNetworkAclAssociation({ AssociationId: made.aclAssociation, NetworkAclId: made.defaultAcl });
  await mine.deleteNetworkAcl({ NetworkAclId: made.acl });
  for (const name of ["edge", "inspected", "passed"]) {
    await mine.disassociateRouteTable({ AssociationId: made[`${name}Association`] });
    await mine.deleteRouteTable({ RouteTableId: made[name] });
  }
  const { Unsuccessful } = await mine.deleteVpcEndpoints({ VpcEndpointIds: [made.endpoint] });
  assert.deepEqual(Unsuccessful ?? [], []);
  await mine.detachInternetGateway({ InternetGatewayId: made.igw, VpcId: made.vpc });
  await mine.deleteInternetGateway({ InternetGatewayId: made.igw });
  await mine.deleteSubnet({ SubnetId: made.application });
  await mine.deleteSubnet({ SubnetId: made.endpoints });
  await mine.deleteVpc({ VpcId: made.vpc });
  const { ec2: api, elb: balancing } = provider;
  await api.deleteVpcEndpointServiceConfigurations({ ServiceIds: [made.service] });
  await balancing.deleteListener({ ListenerArn: made.listener });
  await balancing.deleteLoadBalancer({ LoadBalancerArn: made.balancer });
  await elb.waitUntilLoadBalancersDeleted(waiting(balancing), { LoadBalancerArns: [made.balancer] });
  const target = { TargetGroupArn: made.targets, Targets: [{ Id: made.appliance }] };
  await balancing.deregisterTargets(target);
  await elb.waitUntilTargetDeregistered(waiting(balancing), target);
  await balancing.deleteTargetGroup({ TargetGroupArn: made.targets });
  await api.terminateInstances({ InstanceIds: [made.appliance] });
  await ec2.waitUntilInstanceTerminated(waiting(api), { InstanceIds: [made.appliance] });
  await api.deleteSecurityGroup({ GroupId: made.group });
  await api.deleteSubnet({ SubnetId: made.appliances });
  await api.deleteVpc({ VpcId: made.security });
  for (const { ec2: client } of [provider, consumer]) {
    const { Vpcs } = await client.describeVpcs({ Filters: [{ Name: "is-default", Values: ["false"] }] });
    assert.deepEqual(Vpcs ?? [], []);
  }
}

await buildProvider();
await buildConsumer();
await filter();
await look();
await runAgain();
await measure();
await label();
await remove();
console.log(JSON.stringify({ removed: Object.keys(made).length }));
