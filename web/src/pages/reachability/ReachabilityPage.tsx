import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { themed } from "../../common/themed";
import { Asked } from "./Asked";
import { typedIn } from "./question";
import "./reachability.css";

/** Whether two ends reach each other. `/reachability?source=&destination=&protocol=&destination_port=&source_address=` asks at once. */
export default function ReachabilityPage() {
  const { t } = useTranslation("reachability");
  const [query] = useSearchParams();
  return (
    <div style={themed}>
      <ContentLayout
        header={
          <Header variant="h1" description={t("what")}>
            {t("title")}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <Asked key={query.toString()} wanted={typedIn(query)} />
        </SpaceBetween>
      </ContentLayout>
    </div>
  );
}
