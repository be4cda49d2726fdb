import { useTranslation } from "react-i18next";

const SIGNS = ["configuration", "good", "mixed", "bad", "blackhole"] as const;

export function Legend() {
  const { t } = useTranslation("map");
  return (
    <ul className="map-legend" aria-label={t("legend.title")}>
      {SIGNS.map((sign) => (
        <li key={sign}>
          <svg width="40" height="12" aria-hidden="true">
            <path d="M0 6H40" className={`legend-${sign}`} />
          </svg>
          {t(`legend.${sign}`)}
        </li>
      ))}
    </ul>
  );
}
