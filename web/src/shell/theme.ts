/** Light or dark, and the fonts: Cloudscape's Open Sans has no Korean letters, so the bundled Noto Sans KR stands behind it. */

import { applyMode, Mode } from "@cloudscape-design/global-styles";
import { fontFamilyBase } from "@cloudscape-design/design-tokens";

export type Theme = "light" | "dark";
const KEY = "gwlb.theme";

export function firstTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  if (kept === "light" || kept === "dark") return kept;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  applyMode(theme === "dark" ? Mode.Dark : Mode.Light);
}

export function setFonts(): void {
  const variable = /var\((--[\w-]+)/.exec(fontFamilyBase)?.[1];
  if (variable) document.body.style.setProperty(variable, "'Open Sans', 'Noto Sans KR Variable', sans-serif");
}
