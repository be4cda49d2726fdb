import { expect, test } from "vitest";
import type { cloudwatch } from "../../generated/aws";
import { addressOf, choiceOf } from "./choice";
import { NAMESPACES } from "./namespaces";
import { linesOf, questionOf, resourcesOf, seriesOf, spanOf, withGaps } from "./questions";

const metric = (name: string, dimensions: Record<string, string>): cloudwatch.Metric => ({
  Namespace: "AWS/GatewayELB",
  MetricName: name,
  Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
});
const LoadBalancer = "gwy/fw/1";
const FLOWS = "m1_NewFlowCount_Sum_60_gwy_fw_1";
const listed = [
  metric("NewFlowCount", { LoadBalancer }),
  metric("NewFlowCount", { LoadBalancer, AvailabilityZone: "a" }),
  metric("NewFlowCount", { LoadBalancer, AvailabilityZone: "b" }),
  metric("HealthyHostCount", { LoadBalancer, TargetGroup: "targetgroup/t/1" }),
  metric("HealthyHostCount", { LoadBalancer, TargetGroup: "targetgroup/t/1", AvailabilityZone: "a" }),
  metric("ConsumedLCUs", { LoadBalancer }),
  metric("NewFlowCount", { LoadBalancer: "gwy/other/2" }),
];
const choose = (query: string) => choiceOf(new URLSearchParams(query));

test("the address chooses namespace and resource, and a load balancer may be named by its ARN", () => {
  const arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/gwy/fw/1";
  expect(choose(`loadBalancer=${encodeURIComponent(arn)}`).resource).toBe(LoadBalancer);
  expect(choose("endpoint=vpce-1").namespace.name).toBe("AWS/PrivateLinkEndpoints");
  expect(choose("instance=i-1")).toMatchObject({ resource: "i-1", period: 300 });
  expect(choose("period=7&statistic=Mode&split=Shape")).toMatchObject({ period: 60, statistic: null, split: null });
});

test("a choice comes back from the address that it makes", () => {
  const choice = choose("loadBalancer=gwy/fw/1&split=AvailabilityZone&statistic=Sum&period=300&range=86400");
  expect(choiceOf(new URLSearchParams(addressOf(choice)))).toEqual(choice);
});

test("the resources of a namespace are those that have metrics", () => {
  expect(resourcesOf(NAMESPACES[0], listed)).toEqual(["gwy/fw/1", "gwy/other/2"]);
});

test("undivided, one line is drawn for each metric of the resource, with its best statistic", () => {
  const lines = linesOf(choose(""), LoadBalancer, listed);
  expect(lines.map((one) => [one.id, one.label, one.statistic])).toEqual([
    ["m0_HealthyHostCount_Minimum_60_gwy_fw_1_targetgroup_t_1", "HealthyHostCount", "Minimum"],
    [FLOWS, "NewFlowCount", "Sum"],
    ["m2_ConsumedLCUs_Average_60_gwy_fw_1", "ConsumedLCUs", "Average"],
  ]);
});

test("divided by zone, each zone is a line, and what has no zones is whole", () => {
  const lines = linesOf(choose("split=AvailabilityZone&statistic=Maximum"), LoadBalancer, listed);
  expect(lines.map((one) => one.label)).toEqual([
    "HealthyHostCount",
    "NewFlowCount · a",
    "NewFlowCount · b",
    "ConsumedLCUs",
  ]);
  expect(new Set(lines.map((one) => one.statistic))).toEqual(new Set(["Maximum"]));
});

test("the question ends with the period that runs", () => {
  const choice = choose("range=900");
  const span = spanOf(choice, 1_000_000_030);
  expect(span).toEqual({ start: 999_999_180, end: 1_000_000_080 });
  const question = questionOf(linesOf(choice, LoadBalancer, listed), choice.period, span);
  expect(question.EndTime).toBe("2001-09-09T01:48:00.000Z");
  expect(question.MetricDataQueries[1]).toEqual({
    Id: FLOWS,
    MetricStat: { Metric: listed[0], Period: 60, Stat: "Sum" },
  });
});

test("an answer in pages is one line, interrupted where a period has no data point", () => {
  const lines = linesOf(choose(""), LoadBalancer, listed);
  const chart = NAMESPACES[0].charts.filter((one) => one.id === "newFlows");
  const results = [
    { Id: FLOWS, Timestamps: ["1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z"], Values: [3, 4] },
    {
      Id: "m0_HealthyHostCount_Minimum_60_gwy_fw_1_targetgroup_t_1",
      Timestamps: ["1970-01-01T00:01:00Z"],
      Values: [2],
    },
    { Id: FLOWS, Timestamps: ["1970-01-01T00:05:00Z"], Values: [5] },
  ];
  expect(chart.map((one) => seriesOf(one, lines, results, 60))).toEqual([
    [
      {
        label: "NewFlowCount",
        points: [
          [60, 3],
          [120, 4],
          [180, null],
          [300, 5],
        ],
      },
    ],
  ]);
});

test("points of every period have no gap", () => {
  expect(
    withGaps(
      [
        [0, 1],
        [60, 0],
      ],
      60,
    ),
  ).toEqual([
    [0, 1],
    [60, 0],
  ]);
});
