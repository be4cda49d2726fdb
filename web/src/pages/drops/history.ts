/** Drops of the last minutes, second by second, out of the stream's traffic. */

import { isDrop } from "../../common/verdicts";
import type { Traffic } from "../../live/stream";

/** Seconds that a line shows. */
export const KEPT = 180;

export interface Second {
  /** Epoch seconds. */
  at: number;
  /** `keyOf` -> packets a second. */
  drops: ReadonlyMap<string, number>;
}

export const keyOf = (where: string, box: string | null, verdict: string): string => `${where}|${box ?? ""}|${verdict}`;

/** The newest last. */
export function withSecond(before: readonly Second[], traffic: Traffic): Second[] {
  const drops = new Map<string, number>();
  for (const { where, box, verdicts } of traffic.ports) {
    for (const [verdict, rate] of Object.entries(verdicts)) {
      const key = keyOf(where, box, verdict);
      if (isDrop(verdict)) drops.set(key, (drops.get(key) ?? 0) + rate);
    }
  }
  return [...before, { at: traffic.at, drops }].slice(-KEPT);
}

export const ratesOf = (seconds: readonly Second[], key: string): number[] =>
  seconds.map(({ drops }) => drops.get(key) ?? 0);

/** An SVG polyline's points: the newest at the right end, the highest rate at the top. */
export function pointsOf(rates: readonly number[], width: number, height: number): string {
  const most = Math.max(1, ...rates);
  const first = KEPT - rates.length;
  return rates
    .map((rate, place) => {
      const x = ((first + place) / (KEPT - 1)) * width;
      return `${x.toFixed(1)},${(height - (rate / most) * height).toFixed(1)}`;
    })
    .join(" ");
}
