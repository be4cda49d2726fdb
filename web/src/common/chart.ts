/** What a line chart draws, apart from how: series side by side, gaps, and texts of times and values. */

import type { Format } from "../i18n/format";

/** Epoch seconds, and the value then; null is a gap. */
export type Point = readonly [time: number, value: number | null];

export interface LineSeries {
  label: string;
  /** In order of time. */
  points: readonly Point[];
}

/** `count` is of whole things, `units` may be parts of them. */
export type ChartUnit = "count" | "units" | "bytes" | "bytesPerSecond" | "perSecond" | "percent";

type Value = number | null | undefined;

export interface Aligned {
  times: number[];
  /** One row for each series; undefined where only another series has a point, which interrupts no line. */
  values: Value[][];
}

export function aligned(series: readonly LineSeries[]): Aligned {
  const times = [...new Set(series.flatMap((one) => one.points.map(([time]) => time)))].sort((a, b) => a - b);
  const values = series.map((one) => {
    const at = new Map(one.points);
    return times.map((time) => at.get(time));
  });
  return { times, values };
}

/** Places of values with a gap on both sides: no line leads there, so they are drawn as points. */
export function isolated(values: readonly Value[]): number[] {
  const there = values.flatMap((value, place) => (value === undefined ? [] : [{ value, place }]));
  return there
    .filter(({ value }, at) => {
      const before = there[at - 1]?.value ?? null;
      const after = there[at + 1]?.value ?? null;
      return value !== null && before === null && after === null;
    })
    .map(({ place }) => place);
}

/** The newest value that there is. */
export const lastValue = (points: readonly Point[]): number | null =>
  points.findLast(([, value]) => value !== null)?.[1] ?? null;

/** Texts of an axis's times: the day stands under the first time and where it changes. */
export function timeLabels(times: readonly number[], language: string): string[] {
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const time = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: span < 120 ? "2-digit" : undefined,
    hour12: false,
  });
  let shown = "";
  return times.map((at) => {
    const date = new Date(at * 1000);
    const today = day.format(date);
    const text = today === shown ? time.format(date) : `${time.format(date)}\n${today}`;
    shown = today;
    return text;
  });
}

export function valueText(format: Format, unit: ChartUnit, value: number): string {
  switch (unit) {
    case "bytes":
      return format.bytes(value);
    case "bytesPerSecond":
      return format.bitsPerSecond(value);
    case "perSecond":
      return `${format.short(value)}/s`;
    case "percent":
      return `${format.short(value)}%`;
    case "count":
    case "units":
      return format.short(value);
  }
}
