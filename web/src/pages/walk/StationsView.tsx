import { useTranslation } from "react-i18next";
import { KindIcon } from "../../common/KindIcon";
import type { Hop, Walk } from "./answer";
import { stations } from "./film";

/** A small map of the boxes on the way; the one where the packet is stands out. */
export function StationsView({ walk, hop }: { walk: Walk; hop: Hop }) {
  const { t } = useTranslation("walk");
  return (
    <ol className="walk-stations" aria-label={t("stations")}>
      {stations(walk).map(({ box, kind }) => (
        <li key={box} className={box === hop.box ? "here" : ""} aria-current={box === hop.box ? "step" : undefined}>
          <KindIcon kind={kind} size={28} />
          <span>{t(`station.${kind}`)}</span>
          <span className="walk-soft">{box}</span>
        </li>
      ))}
    </ol>
  );
}
