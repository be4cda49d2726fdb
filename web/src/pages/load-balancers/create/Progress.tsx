import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Steps from "@cloudscape-design/components/steps";
import type { StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { ErrorAlert } from "../../../common/ErrorAlert";
import type { Working } from "../../../common/work";
import type { Draft, Made, Stage } from "./draft";
import { pieces } from "./pieces";

/** Call by call: what is made, what is being made, and what was refused. */
export function Progress({ draft, work }: { draft: Draft; work: Working<Made, Stage> }) {
  const { t } = useTranslation("load-balancers");
  const status = (id: Stage, done: boolean): StatusIndicatorProps.Type => {
    if (work.running === id) return "in-progress";
    if (work.failure?.id === id) return "error";
    return done ? "success" : "pending";
  };
  return (
    <Container data-testid="progress" header={<Header variant="h2">{t("progress.title")}</Header>}>
      <Steps
        ariaLabel={t("progress.title")}
        steps={pieces(draft).map((piece) => {
          const state = status(piece.id, piece.done(work.made));
          return {
            status: state,
            statusIconAriaLabel: t(`progress.${state}`, { defaultValue: state }),
            header: t(`progress.${piece.id}`),
            details: work.failure?.id === piece.id && <ErrorAlert error={work.failure.error} />,
          };
        })}
      />
    </Container>
  );
}
