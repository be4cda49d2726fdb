import Box from "@cloudscape-design/components/box";
import { useTranslation } from "react-i18next";

export function NotFound() {
  const { t } = useTranslation("shell");
  return <Box variant="h1">{t("notFound")}</Box>;
}
