/** Cloudscape's colours as custom properties for pages that draw by themselves: `<div style={themed}>`, then `var(--ink)` in CSS. */

import {
  colorBackgroundContainerContent,
  colorBackgroundItemSelected,
  colorBackgroundLayoutPanel,
  colorBackgroundStatusError,
  colorBorderDividerDefault,
  colorBorderItemFocused,
  colorTextAccent,
  colorTextBodyDefault,
  colorTextBodySecondary,
  colorTextStatusError,
  colorTextStatusSuccess,
  colorTextStatusWarning,
  fontFamilyBase,
} from "@cloudscape-design/design-tokens";
import type { CSSProperties } from "react";

export const themed = {
  fontFamily: fontFamilyBase,
  color: colorTextBodyDefault,
  "--surface": colorBackgroundContainerContent,
  "--panel": colorBackgroundLayoutPanel,
  "--chosen": colorBackgroundItemSelected,
  "--ink": colorTextBodyDefault,
  "--ink-soft": colorTextBodySecondary,
  "--line": colorBorderDividerDefault,
  "--focus": colorBorderItemFocused,
  "--accent": colorTextAccent,
  "--good": colorTextStatusSuccess,
  "--mixed": colorTextStatusWarning,
  "--bad": colorTextStatusError,
  "--bad-surface": colorBackgroundStatusError,
} as CSSProperties;
