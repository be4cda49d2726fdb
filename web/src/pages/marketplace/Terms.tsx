import Box from "@cloudscape-design/components/box";
import { useTranslation } from "react-i18next";
import "./marketplace.css";

/** The vendor's own words, as they are. */
export function Terms({ text }: { text: string }) {
  const { t } = useTranslation("marketplace");
  return (
    <Box>
      <div className="terms" tabIndex={0} role="region" aria-label={t("termsText")}>
        {text || t("noTerms")}
      </div>
    </Box>
  );
}
