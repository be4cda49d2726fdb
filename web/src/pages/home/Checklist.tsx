import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { ResourceLink } from "../../common/ResourceLink";
import { PLACES, STEPS } from "./checklist";
import { useChecklist } from "./useChecklist";

/** The document's five steps; each ticks itself when the network shows that it is done. */
export function Checklist() {
  const { t } = useTranslation("home");
  const finished = useChecklist();
  return (
    <Container
      header={
        <Header variant="h2" description={t("steps.explained")}>
          {t("steps.title")}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <ProgressBar
          value={(finished.size / STEPS.length) * 100}
          label={t("steps.progress", { done: finished.size, all: STEPS.length })}
        />
        <ol className="checklist" data-testid="checklist">
          {STEPS.map((step, at) => (
            <li key={step} data-testid={`step-${step}`} data-done={finished.has(step)}>
              <SpaceBetween size="xxs">
                <StatusIndicator type={finished.has(step) ? "success" : "pending"}>
                  <ResourceLink to={PLACES[step]}>{`${String(at + 1)}. ${t(`steps.${step}.title`)}`}</ResourceLink>
                </StatusIndicator>
                <Box color="text-body-secondary" margin={{ left: "l" }}>
                  {t(`steps.${step}.text`)}
                </Box>
              </SpaceBetween>
            </li>
          ))}
        </ol>
      </SpaceBetween>
    </Container>
  );
}
