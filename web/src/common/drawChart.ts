/** A line chart on a canvas, by uPlot. */

import uPlot from "uplot";
import { type Aligned, isolated, timeLabels } from "./chart";
import { colourOf } from "./chartColours";

export interface Drawing {
  fill: (data: Aligned, range: [number, number] | null) => void;
  remove: () => void;
}

interface Look {
  /** How many lines. */
  count: number;
  height: number;
  language: string;
  value: (value: number) => string;
  /** Halves of what is counted are no places of an axis. */
  whole: boolean;
  group: string | undefined;
  bare: boolean;
  /** The place of the time under the pointer. */
  onPoint: (place: number | null) => void;
}

/** Room above the highest line. */
const HEADROOM = 1.1;
const AXIS_PX = 64;
const POINT_PX = 5;
const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

export function drawChart(host: HTMLElement, look: Look): Drawing {
  let range: [number, number] | null = null;
  const colour = (name: string) => () => getComputedStyle(host).getPropertyValue(name);
  const axis = (): Partial<uPlot.Axis> => ({
    show: !look.bare,
    stroke: colour("--ink-soft"),
    font: `12px ${getComputedStyle(host).fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
  });
  const chart = new uPlot(
    {
      width: Math.max(host.clientWidth, 1),
      height: look.height,
      legend: { show: false },
      padding: look.bare ? [1, 1, 1, 1] : [8, 16, 0, 0],
      cursor: {
        show: !look.bare,
        y: false,
        drag: { x: false, y: false },
        sync: look.group === undefined ? undefined : { key: look.group },
      },
      scales: {
        x: { range: (_, min, max) => range ?? [min, max] },
        y: { range: (_, __, max) => [0, max > 0 ? max * HEADROOM : 1] },
      },
      axes: [
        { ...axis(), values: (_, times) => timeLabels(times, look.language), space: 70 },
        {
          ...axis(),
          values: (_, values) => values.map(look.value),
          size: AXIS_PX,
          ...(look.whole && { incrs: WHOLE_STEPS }),
        },
      ],
      series: [
        {},
        ...Array.from({ length: look.count }, (_, place): uPlot.Series => ({
          stroke: colour(colourOf(place)),
          width: 2,
          points: {
            show: true,
            size: POINT_PX,
            fill: colour(colourOf(place)),
            filter: (drawn, at) => isolated(Array.from<number | null | undefined>(drawn.data[at] ?? [])),
          },
        })),
      ],
      hooks: {
        setCursor: [
          (drawn) => {
            look.onPoint(drawn.cursor.idx ?? null);
          },
        ],
      },
    },
    [[], ...Array.from({ length: look.count }, () => [])],
    host,
  );
  const sized = new ResizeObserver(() => {
    if (host.clientWidth > 0) chart.setSize({ width: host.clientWidth, height: look.height });
  });
  sized.observe(host);
  const recoloured = new MutationObserver(() => {
    chart.redraw();
  });
  recoloured.observe(document.body, { attributeFilter: ["class"] });
  return {
    fill: (data, asked) => {
      range = asked;
      chart.setData([data.times, ...data.values]);
    },
    remove: () => {
      sized.disconnect();
      recoloured.disconnect();
      chart.destroy();
    },
  };
}
