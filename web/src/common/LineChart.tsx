import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import "uplot/dist/uPlot.min.css";
import { useFormat } from "../i18n/format";
import { aligned, type ChartUnit, lastValue, type LineSeries, valueText } from "./chart";
import { drawChart, type Drawing } from "./drawChart";
import "./lineChart.css";
import { chartColours, colourOf } from "./chartColours";

export interface LineChartProps {
  /** Said to screen readers with the newest values. */
  title: string;
  series: readonly LineSeries[];
  unit: ChartUnit;
  /** Of the drawing without its legend, in CSS pixels. */
  height: number;
  /** From and to, in epoch seconds; as the points are when not given. */
  range?: readonly [number, number];
  /** Charts of one group show the same moment under the pointer. */
  group?: string;
  /** A sparkline: the line alone, without axes, legend and pointer. */
  bare?: boolean;
}

/** Lines over time, in the colours of the theme and the words of the language. */
export function LineChart({ title, series, unit, height, range, group, bare = false }: LineChartProps) {
  const { i18n } = useTranslation();
  const format = useFormat();
  const host = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const data = useMemo(() => aligned(series), [series]);
  const [from, to] = range ?? [null, null];
  const language = i18n.language;

  useEffect(() => {
    if (!host.current) return;
    const made = drawChart(host.current, {
      count: series.length,
      height,
      language,
      value: (value) => valueText(format, unit, value),
      whole: unit === "count",
      group,
      bare,
      onPoint: setPointed,
    });
    drawing.current = made;
    return () => {
      made.remove();
      drawing.current = null;
    };
  }, [series.length, height, language, format, unit, group, bare]);

  // Behind the effect that draws anew: a new drawing is filled in the same round.
  useEffect(() => {
    drawing.current?.fill(data, from !== null && to !== null ? [from, to] : null);
  }, [data, from, to, series.length, height, language, format, unit, group, bare]);

  const time = pointed === null ? undefined : data.times[pointed];
  const shown = series.map((one, place) => {
    const value =
      time === undefined || pointed === null ? lastValue(one.points) : (data.values[place]?.[pointed] ?? null);
    return { label: one.label, value: value === null ? "–" : valueText(format, unit, value) };
  });
  return (
    <div className="line-chart" style={chartColours}>
      <div
        ref={host}
        role="img"
        aria-label={`${title}: ${shown.map((one) => `${one.label} ${one.value}`).join(", ")}`}
      />
      {!bare && (
        <ul className="line-chart-legend" aria-hidden="true">
          {shown.map((one, place) => (
            <li key={one.label}>
              <svg width="12" height="4">
                <rect width="12" height="4" rx="2" fill={`var(${colourOf(place)})`} />
              </svg>
              <span>{one.label}</span>
              <b>{one.value}</b>
            </li>
          ))}
          {time !== undefined && <li className="line-chart-time">{format.date(time * 1000)}</li>}
        </ul>
      )}
    </div>
  );
}
