/** Dates, numbers and durations as the language writes them. */

import { useMemo } from "react";
import { useTranslation } from "react-i18next";

export interface Format {
  number: (value: number) => string;
  /** 12,300 as 12.3K or 1.2만. */
  short: (value: number) => string;
  bytes: (value: number) => string;
  bitsPerSecond: (bytesPerSecond: number) => string;
  date: (value: string | number | Date | undefined) => string;
  time: (value: string | number | Date) => string;
  list: (values: readonly string[]) => string;
}

const UNITS = ["", "k", "M", "G", "T"] as const;

function scaled(value: number, unit: string, number: Intl.NumberFormat): string {
  let rest = value;
  let step = 0;
  while (rest >= 1000 && step < UNITS.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${number.format(rest)} ${UNITS[step] ?? ""}${unit}`;
}

export function formatFor(language: string): Format {
  const number = new Intl.NumberFormat(language);
  const rough = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 });
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const time = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
  const list = new Intl.ListFormat(language, { type: "conjunction" });
  return {
    number: (value) => number.format(value),
    short: (value) => short.format(value),
    bytes: (value) => scaled(value, "B", rough),
    bitsPerSecond: (value) => scaled(value * 8, "bit/s", rough),
    date: (value) => (value === undefined ? "–" : date.format(new Date(value))),
    time: (value) => time.format(new Date(value)),
    list: (values) => list.format(values),
  };
}

export function useFormat(): Format {
  const { i18n } = useTranslation();
  return useMemo(() => formatFor(i18n.language), [i18n.language]);
}
