import { useEffect, useMemo, useState } from "react";
import { useAws } from "../../api/aws";
import type { Choice } from "./choice";
import { linesOf, questionOf, resourcesOf, seriesOf, spanOf } from "./questions";

const SECOND_MS = 1000;
/** A new period may begin each minute. */
const MINUTE = 60;
/** A data point grows until its period ends. */
const GROWS_MS = 15_000;

/** The end of the minute that runs, in epoch seconds. */
function useMinute(): number {
  const read = () => Math.ceil(Date.now() / SECOND_MS / MINUTE) * MINUTE;
  const [minute, setMinute] = useState(read);
  useEffect(() => {
    const timer = setInterval(() => {
      setMinute(read());
    }, SECOND_MS);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return minute;
}

/** What CloudWatch says of the choice, asked again while it is looked at. */
export function useMetrics(choice: Choice) {
  const minute = useMinute();
  const list = useAws(
    "cloudwatch",
    "ListMetrics",
    { Namespace: choice.namespace.name },
    { everyMs: MINUTE * SECOND_MS },
  );
  const listed = useMemo(
    () => (list.data?.Metrics ?? []).filter((one) => one.Namespace === choice.namespace.name),
    [list.data, choice.namespace.name],
  );
  const resources = resourcesOf(choice.namespace, listed);
  const resource = choice.resource ?? resources[0] ?? null;
  const lines = resource === null ? [] : linesOf(choice, resource, listed);
  const span = spanOf(choice, minute);
  const answer = useAws("cloudwatch", "GetMetricData", questionOf(lines, choice.period, span), {
    enabled: lines.length > 0,
    everyMs: GROWS_MS,
  });
  const results = answer.data?.MetricDataResults ?? [];
  return {
    resources,
    resource,
    span,
    loading: list.isPending,
    error: list.error ?? answer.error,
    charts: choice.namespace.charts.map((chart) => ({
      chart,
      series: seriesOf(chart, lines, results, choice.period),
    })),
  };
}
