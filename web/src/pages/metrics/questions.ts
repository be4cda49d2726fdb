/** From a choice to GetMetricData's questions, and from its answer to lines with gaps. */

import type { LineSeries, Point } from "../../common/chart";
import type { cloudwatch } from "../../generated/aws";
import type { Choice } from "./choice";
import type { Chart, Namespace, Statistic } from "./namespaces";

export interface Line {
  /** The question's id within one GetMetricData. */
  id: string;
  chart: string;
  label: string;
  metric: cloudwatch.Metric;
  statistic: Statistic;
}

const valueOf = (metric: cloudwatch.Metric, dimension: string): string | undefined =>
  metric.Dimensions?.find((one) => one.Name === dimension)?.Value;

/** The resources that have metrics, in order of their names. */
export function resourcesOf(namespace: Namespace, listed: readonly cloudwatch.Metric[]): string[] {
  const found = listed.flatMap((one) => valueOf(one, namespace.dimension) ?? []);
  return [...new Set(found)].sort((a, b) => a.localeCompare(b));
}

/** The lines of a resource. A metric that does not come in the parts asked for is shown whole. */
export function linesOf(choice: Choice, resource: string, listed: readonly cloudwatch.Metric[]): Line[] {
  const { namespace } = choice;
  const ours = listed.filter((one) => valueOf(one, namespace.dimension) === resource);
  const lines = namespace.charts.flatMap((chart) =>
    Object.entries(chart.metrics).flatMap(([name, best]) => {
      const named = ours.filter((one) => one.MetricName === name);
      const parts = choice.split === null ? [] : named.filter((one) => isSplitBy(one, namespace, choice.split));
      const shown = parts.length > 0 ? parts : named.filter((one) => isSplitBy(one, namespace, null));
      return shown.map((metric) => ({
        chart: chart.id,
        metric,
        statistic: choice.statistic ?? best,
        label: labelOf(metric, namespace, shown),
      }));
    }),
  );
  return lines.map((line, at) => ({ ...line, id: idOf(line, choice.period, at) }));
}

/** Says what is asked, so that the answer to an earlier question is never taken for this one's. */
function idOf({ metric, statistic }: Pick<Line, "metric" | "statistic">, period: number, at: number): string {
  const parts = [`m${String(at)}`, metric.MetricName, statistic, String(period)];
  const values = (metric.Dimensions ?? []).map((one) => one.Value);
  return [...parts, ...values].join("_").replace(/[^A-Za-z0-9_]/g, "_");
}

function isSplitBy(metric: cloudwatch.Metric, namespace: Namespace, split: string | null): boolean {
  const known = [namespace.dimension, ...namespace.beside];
  const more = (metric.Dimensions ?? []).map((one) => one.Name).filter((name) => !known.includes(name));
  return split === null ? more.length === 0 : more.length === 1 && more[0] === split;
}

/** The metric's name, and what tells it from the others beside it. */
function labelOf(metric: cloudwatch.Metric, namespace: Namespace, beside: readonly cloudwatch.Metric[]): string {
  const telling = (metric.Dimensions ?? []).filter(
    ({ Name, Value }) => Name !== namespace.dimension && beside.some((other) => valueOf(other, Name) !== Value),
  );
  return [metric.MetricName ?? "", ...telling.map((one) => one.Value)].join(" · ");
}

export interface Span {
  /** Epoch seconds, whole periods. */
  start: number;
  end: number;
}

/** The period that runs now is the last: it has a data point that still grows. */
export function spanOf({ period, range }: Choice, now: number): Span {
  const end = Math.ceil(now / period) * period;
  return { start: end - Math.max(range, period), end };
}

export function questionOf(lines: readonly Line[], period: number, span: Span): cloudwatch.GetMetricDataInput {
  return {
    StartTime: new Date(span.start * 1000).toISOString(),
    EndTime: new Date(span.end * 1000).toISOString(),
    ScanBy: "TimestampAscending",
    MetricDataQueries: lines.map(({ id, metric, statistic }) => ({
      Id: id,
      MetricStat: { Metric: metric, Period: period, Stat: statistic },
    })),
  };
}

/** The answer's lines by chart. One metric may come in several pages, which are put together. */
export function seriesOf(
  chart: Chart,
  lines: readonly Line[],
  results: readonly cloudwatch.MetricDataResult[],
  period: number,
): LineSeries[] {
  return lines
    .filter((line) => line.chart === chart.id)
    .map((line) => {
      const points = results
        .filter((one) => one.Id === line.id)
        .flatMap((one) =>
          (one.Timestamps ?? []).map((at, place): Point => [Date.parse(at) / 1000, one.Values?.[place] ?? null]),
        );
      return { label: line.label, points: withGaps(points, period) };
    });
}

/** A period without a data point interrupts the line: one null stands for all that are missing. */
export function withGaps(points: readonly Point[], period: number): Point[] {
  return points.flatMap((point, at) => {
    const next = points[at + 1];
    return next && next[0] - point[0] > period ? [point, [point[0] + period, null] as const] : [point];
  });
}
