import Box from "@cloudscape-design/components/box";
import { colorTextStatusError, colorTextStatusSuccess } from "@cloudscape-design/design-tokens";
import { type CSSProperties, type KeyboardEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { TargetProbe } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import "./healthStrip.css";

const COLOURS = { "--probe-ok": colorTextStatusSuccess, "--probe-failed": colorTextStatusError } as CSSProperties;
const SHORT = 16;

/** The last probes at a glance: failed ones are red and lower. */
export function ShortStrip({ probes }: { probes: readonly TargetProbe[] }) {
  const { t } = useTranslation("target-groups");
  const last = probes.slice(-SHORT);
  const failed = last.filter((one) => !one.ok).length;
  return (
    <div
      role="img"
      className="health-strip short"
      style={COLOURS}
      aria-label={t("probes.summary", { failed, total: last.length })}
    >
      {last.map((one) => (
        <span key={one.at} className={one.ok ? "" : "failed"} />
      ))}
    </div>
  );
}

/** Every probe that is kept; the pointer or the arrow keys choose the one whose answer stands below. */
export function HealthStrip({ probes }: { probes: readonly TargetProbe[] }) {
  const { t } = useTranslation("target-groups");
  const format = useFormat();
  const name = useId();
  const [chosen, setChosen] = useState<number | null>(null);
  const found = probes.find((one) => one.at === chosen) ?? probes.at(-1);
  if (!found) return <Box color="text-body-secondary">{t("probes.none")}</Box>;
  const index = probes.indexOf(found);
  const words = (one: TargetProbe) =>
    t(one.ok ? "probes.ok" : "probes.failed", {
      at: format.time(one.at * 1000),
      said: one.said,
      took: format.number(Math.round(one.took_ms)),
    });
  const press = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = step === undefined ? undefined : probes[index + step];
    if (!next) return;
    event.preventDefault();
    setChosen(next.at);
  };
  return (
    <>
      <div
        role="listbox"
        tabIndex={0}
        className="health-strip"
        style={COLOURS}
        aria-label={t("probes.title")}
        aria-activedescendant={`${name}-${String(index)}`}
        data-testid="health-timeline"
        onKeyDown={press}
      >
        {probes.map((one, at) => (
          <span
            key={one.at}
            id={`${name}-${String(at)}`}
            role="option"
            aria-selected={at === index}
            aria-label={words(one)}
            className={`${one.ok ? "" : "failed"} ${at === index ? "active" : ""}`}
            onPointerEnter={() => {
              setChosen(one.at);
            }}
          />
        ))}
      </div>
      <Box color={found.ok ? "text-status-success" : "text-status-error"} data-testid="probe-said">
        {words(found)}
      </Box>
    </>
  );
}
