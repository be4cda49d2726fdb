/** Colours of lines as custom properties: a canvas reads them where it stands, so that they follow the theme. */

import {
  colorChartsPaletteCategorical1,
  colorChartsPaletteCategorical2,
  colorChartsPaletteCategorical3,
  colorChartsPaletteCategorical4,
  colorChartsPaletteCategorical5,
  colorChartsPaletteCategorical6,
  colorChartsPaletteCategorical7,
  colorChartsPaletteCategorical8,
} from "@cloudscape-design/design-tokens";
import type { CSSProperties } from "react";
import { themed } from "./themed";

const LINES = [
  colorChartsPaletteCategorical1,
  colorChartsPaletteCategorical2,
  colorChartsPaletteCategorical3,
  colorChartsPaletteCategorical4,
  colorChartsPaletteCategorical5,
  colorChartsPaletteCategorical6,
  colorChartsPaletteCategorical7,
  colorChartsPaletteCategorical8,
];

export const colourOf = (place: number): string => `--line-${String(place % LINES.length)}`;

export const chartColours = {
  ...themed,
  ...Object.fromEntries(LINES.map((colour, place) => [colourOf(place), colour])),
} as CSSProperties;
