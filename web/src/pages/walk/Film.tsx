import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../i18n/format";
import type { Walk } from "./answer";
import { BytesView } from "./BytesView";
import { ends, frames, stepped } from "./film";
import { StationsView } from "./StationsView";

const FRAME_MS = 900;

/** The steps as a film strip: choose a frame, play it, or go with the arrow keys; below it the bytes at that place. */
export function Film({ walk }: { walk: Walk }) {
  const { t } = useTranslation("walk");
  const format = useFormat();
  const all = frames(walk);
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const strip = useRef<HTMLDivElement>(null);
  const last = all.length - 1;
  const runs = playing && at < last;
  useEffect(() => {
    if (!runs) return;
    const timer = setTimeout(() => {
      setAt(at + 1);
    }, FRAME_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [runs, at]);
  useEffect(() => {
    strip.current?.querySelector("[aria-checked=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [at]);
  const go = (event: KeyboardEvent) => {
    const next = stepped(event.key, at, all.length);
    if (next === null) return;
    event.preventDefault();
    setPlaying(false);
    setAt(next);
    strip.current?.querySelectorAll<HTMLElement>(".walk-frame")[next]?.focus();
  };
  const frame = all[at];
  if (!frame) return null;
  const micro = (value: number) => t("micro", { value: format.number(Math.round(value)) });
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button
              iconName={runs ? "pause" : "play"}
              data-testid="play"
              onClick={() => {
                if (!runs && at === last) setAt(0);
                setPlaying(!runs);
              }}
            >
              {runs ? t("pause") : t("play")}
            </Button>
          }
        >
          {t("film")}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <StationsView walk={walk} hop={frame.hop} />
        <div className="walk-strip" role="radiogroup" aria-label={t("film")} ref={strip} onKeyDown={go}>
          {all.map(({ leg, hop, begins }, index) => (
            <button
              key={`${leg.name} ${String(index)}`}
              type="button"
              role="radio"
              aria-checked={index === at}
              tabIndex={index === at ? 0 : -1}
              className={`walk-frame ${leg.name}${begins ? " begins" : ""}`}
              data-testid={`frame-${leg.name}-${String(hop.step)}`}
              onClick={() => {
                setPlaying(false);
                setAt(index);
              }}
            >
              <span className="walk-step">
                <b>{hop.step}</b> {t(`step.${hop.title}`)}
              </span>
              <span className="walk-leg">{t(`leg.${leg.name}`)}</span>
              <span className="walk-where">
                {hop.incoming ? t("in") : t("out")} {hop.resource}
              </span>
              <span>{micro(hop.after_us)}</span>
              <span className="walk-soft">
                {hop.since_last_us === null ? "–" : `+${micro(hop.since_last_us)}`} · TTL {hop.ttl}
              </span>
            </button>
          ))}
        </div>
        <div aria-live={playing ? "off" : "polite"} className="walk-told">
          <b>
            {frame.hop.step}. {t(`step.${frame.hop.title}`)}
          </b>{" "}
          {ends(frame.hop.flow)} {frame.hop.sentence}
        </div>
        <BytesView key={`${String(walk.at)} ${String(at)}`} hop={frame.hop} />
      </SpaceBetween>
    </Container>
  );
}
