import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { Checklist } from "./Checklist";
import { Demo } from "./Demo";
import { Design } from "./Design";
import "./home.css";

export default function HomePage() {
  const { t } = useTranslation("home");
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={t("what")}>
          {t("title")}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Demo />
        <Checklist />
        <Design />
      </SpaceBetween>
    </ContentLayout>
  );
}
