import Alert from "@cloudscape-design/components/alert";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../../common/ErrorAlert";
import { themed } from "../../common/themed";
import { knownLanguage } from "../../i18n";
import { DemoTraffic } from "./DemoTraffic";
import { Film } from "./Film";
import { Outcome } from "./Outcome";
import { asked, queryOf, typedIn } from "./question";
import { useWalk } from "./useWalk";
import { WalkForm } from "./WalkForm";
import "./walk.css";

/** Follows one connection's packets through every box. `/walk?endpoint=&client=&server=&port=&client_port=&protocol=` fills the form. */
export default function WalkPage() {
  const { t, i18n } = useTranslation("walk");
  const [query, setQuery] = useSearchParams();
  const [typed, setTyped] = useState(() => typedIn(query));
  const { walk, error, watching, start, stop } = useWalk();
  return (
    <div style={themed}>
      <ContentLayout
        header={
          <Header variant="h1" description={t("what")} actions={<DemoTraffic />}>
            {t("title")}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <WalkForm
            typed={typed}
            onTyped={setTyped}
            error={error}
            watching={watching}
            onStop={stop}
            onStart={(wanted) => {
              setQuery(queryOf(wanted), { replace: true });
              start(asked(wanted, knownLanguage(i18n.language)));
            }}
          />
          {error?.code === "NoConnection" ? (
            <Alert type="info" header={t("noConnection")} action={<DemoTraffic />} data-testid="no-connection">
              {error.message}
            </Alert>
          ) : (
            error && <ErrorAlert error={error} />
          )}
          {walk && watching === null && !error && (
            <SpaceBetween size="l">
              <Outcome walk={walk} />
              <Film key={walk.at} walk={walk} />
            </SpaceBetween>
          )}
        </SpaceBetween>
      </ContentLayout>
    </div>
  );
}
