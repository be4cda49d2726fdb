/** CloudWatch's namespaces: what is charted first, and which dimensions choose a series. */

import type { ChartUnit } from "../../common/chart";

export type Statistic = "Sum" | "Average" | "Minimum" | "Maximum";
export const STATISTICS: readonly Statistic[] = ["Sum", "Average", "Minimum", "Maximum"];

export interface Chart {
  /** A key of `metrics:charts`. */
  id: string;
  /** Metric -> the statistic that says most of it. */
  metrics: Readonly<Record<string, Statistic>>;
  unit: ChartUnit;
}

export interface Namespace {
  name: string;
  /** The word for a resource in the page's address. */
  word: string;
  /** The dimension that names a resource. */
  dimension: string;
  /** Dimensions that may come with it in one picture. */
  beside: readonly string[];
  /** Dimensions by which the series can be split. */
  splits: readonly string[];
  charts: readonly Chart[];
}

const chart = (id: string, unit: ChartUnit, metrics: Record<string, Statistic>): Chart => ({ id, unit, metrics });

export const NAMESPACES: readonly [Namespace, ...Namespace[]] = [
  {
    name: "AWS/GatewayELB",
    word: "loadBalancer",
    dimension: "LoadBalancer",
    beside: ["TargetGroup"],
    splits: ["AvailabilityZone"],
    charts: [
      chart("hosts", "count", { HealthyHostCount: "Minimum", UnHealthyHostCount: "Maximum" }),
      chart("activeFlows", "count", { ActiveFlowCount: "Maximum" }),
      chart("newFlows", "count", { NewFlowCount: "Sum" }),
      chart("processedBytes", "bytes", { ProcessedBytes: "Sum" }),
      chart("processedPackets", "count", { ProcessedPackets: "Sum" }),
      chart("rejected", "count", { RejectedFlowCount: "Sum", RejectedFlowCount_TCP: "Sum" }),
      chart("invalid", "count", {
        PacketsDroppedCount_InvalidGeneveTunnel: "Sum",
        PacketsDroppedCount_InvalidGwlbEndpointId: "Sum",
        PacketsDroppedCount_InvalidGwlbFlowCookie: "Sum",
        PacketsDroppedCount_MissingFlowEntry: "Sum",
      }),
      chart("resets", "count", { TCP_GWLB_Reset_Count: "Sum" }),
      chart("peakBytes", "bytesPerSecond", { PeakBytesPerSecond: "Maximum" }),
      chart("peakPackets", "perSecond", { PeakPacketsPerSecond: "Maximum" }),
      chart("lcus", "units", { ConsumedLCUs: "Average" }),
    ],
  },
  {
    name: "AWS/PrivateLinkEndpoints",
    word: "endpoint",
    dimension: "VPC Endpoint Id",
    beside: ["Endpoint Type", "Service Name", "VPC Id"],
    splits: ["Subnet Id"],
    charts: [
      chart("connections", "count", { ActiveConnections: "Maximum" }),
      chart("bytes", "bytes", { BytesProcessed: "Sum" }),
      chart("dropped", "count", { PacketsDropped: "Sum" }),
      chart("endpointResets", "count", { RstPacketsReceived: "Sum" }),
    ],
  },
  {
    name: "AWS/PrivateLinkServices",
    word: "service",
    dimension: "Service Id",
    beside: [],
    splits: ["VPC Endpoint Id", "Az", "Load Balancer Arn"],
    charts: [
      chart("endpoints", "count", { EndpointsCount: "Maximum" }),
      chart("connections", "count", { ActiveConnections: "Maximum" }),
      chart("bytes", "bytes", { BytesProcessed: "Sum" }),
      chart("serviceResets", "count", { RstPacketsSent: "Sum" }),
    ],
  },
  {
    name: "AWS/EC2",
    word: "instance",
    dimension: "InstanceId",
    beside: [],
    splits: [],
    charts: [
      chart("cpu", "percent", { CPUUtilization: "Average" }),
      chart("network", "bytes", { NetworkIn: "Sum", NetworkOut: "Sum" }),
      chart("networkPackets", "count", { NetworkPacketsIn: "Sum", NetworkPacketsOut: "Sum" }),
      chart("checks", "count", {
        StatusCheckFailed: "Maximum",
        StatusCheckFailed_Instance: "Maximum",
        StatusCheckFailed_System: "Maximum",
      }),
    ],
  },
];
