import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import { useTranslation } from "react-i18next";

export default function HomePage() {
  const { t } = useTranslation("home");
  return <ContentLayout header={<Header variant="h1">{t("title")}</Header>}>{t("what")}</ContentLayout>;
}
