import ProgressBar from "@cloudscape-design/components/progress-bar";
import { useTranslation } from "react-i18next";
import type { TargetDraining } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";

/** How far a deregistered target has drained. */
export function DrainBar({ target, draining }: { target: string; draining: TargetDraining }) {
  const { t } = useTranslation("target-groups");
  const format = useFormat();
  const whole = draining.until - draining.since;
  const passed = whole > 0 ? (1 - draining.seconds_left / whole) * 100 : 100;
  return (
    <ProgressBar
      data-testid={`drain-${target}`}
      value={Math.max(0, Math.min(100, passed))}
      label={t("drain.title", { target })}
      description={draining.rebalance ? t("drain.rebalance") : t("drain.stay")}
      additionalInfo={t("drain.left", {
        flows: format.number(draining.flows_left),
        start: format.number(draining.flows_at_start),
        seconds: format.number(Math.ceil(draining.seconds_left)),
      })}
    />
  );
}
