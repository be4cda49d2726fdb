import { colorBorderDividerDefault, colorTextStatusError } from "@cloudscape-design/design-tokens";
import { pointsOf } from "./history";

const WIDTH = 120;
const HEIGHT = 24;

/** A line without axes; `label` says it to who cannot see it. */
export function Sparkline({ rates, label }: { rates: readonly number[]; label: string }) {
  return (
    <svg
      role="img"
      aria-label={label}
      width={WIDTH}
      height={HEIGHT + 4}
      viewBox={`0 -2 ${String(WIDTH)} ${String(HEIGHT + 4)}`}
    >
      <line x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} stroke={colorBorderDividerDefault} />
      <polyline points={pointsOf(rates, WIDTH, HEIGHT)} fill="none" stroke={colorTextStatusError} strokeWidth={1.5} />
    </svg>
  );
}
