import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { ErrorAlert } from "../../common/ErrorAlert";
import type { DemoAnswer, DemoStep, DemoTraffic } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import { useSession } from "../../session/session";
import { useDemo } from "./useDemo";

const SECONDS = 60;
const TYPES: Record<DemoStep["state"], StatusIndicatorProps.Type> = {
  waiting: "pending",
  running: "in-progress",
  done: "success",
  failed: "error",
};

/** One click builds the two-customer scenario; only the operator, who owns the machine, may. */
export function Demo() {
  const { t } = useTranslation("home");
  const { current, state } = useSession();
  if (!current.operator || state.data_plane === "none") return null;
  return (
    <Container
      header={
        <Header variant="h2" description={t("demo.explained")}>
          {t("demo.title")}
        </Header>
      }
    >
      <Progress />
    </Container>
  );
}

function Progress() {
  const { t } = useTranslation("home");
  const navigate = useNavigate();
  const { answer, build, send } = useDemo();
  const now = answer.data;
  const problem = build.error ?? send.error;
  return (
    <SpaceBetween size="m">
      {problem && <ErrorAlert error={problem} />}
      {now?.error && <StatusIndicator type="error">{now.error}</StatusIndicator>}
      {now && now.state !== "none" && <Steps steps={now.steps} />}
      {now?.state === "ready" ? (
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            variant="primary"
            data-testid="demo-traffic"
            loading={send.isPending}
            onClick={() => {
              send.mutate({ seconds: SECONDS });
            }}
          >
            {t("demo.send", { count: SECONDS })}
          </Button>
          <Button onClick={() => void navigate("/map")}>{t("demo.map")}</Button>
          <Button onClick={() => void navigate(walkOf(now))}>{t("demo.walk")}</Button>
        </SpaceBetween>
      ) : (
        <Button
          variant="primary"
          data-testid="demo-build"
          disabled={!now}
          loading={build.isPending || now?.state === "building"}
          onClick={() => {
            build.mutate();
          }}
        >
          {t(now?.state === "failed" ? "demo.again" : "demo.build")}
        </Button>
      )}
      {now?.traffic && <Sent traffic={now.traffic} />}
    </SpaceBetween>
  );
}

function Steps({ steps }: { steps: readonly DemoStep[] }) {
  const { t } = useTranslation("home");
  return (
    <ul className="checklist">
      {steps.map((step) => (
        <li key={step.id}>
          <StatusIndicator type={TYPES[step.state]}>{t(`demo.steps.${step.id}`, step.title)}</StatusIndicator>
          {step.detail !== "" && (
            <Box color="text-body-secondary" margin={{ left: "l" }}>
              {step.detail}
            </Box>
          )}
        </li>
      ))}
    </ul>
  );
}

function Sent({ traffic }: { traffic: DemoTraffic }) {
  const { t } = useTranslation("home");
  const format = useFormat();
  return (
    <Box data-testid="demo-sent">
      {t("demo.sent", {
        answered: format.number(traffic.answered),
        blocked: format.number(traffic.blocked),
        seconds: format.number(Math.ceil(traffic.seconds_left)),
      })}{" "}
      {traffic.unexpected > 0 && (
        <StatusIndicator type="error">{t("demo.unexpected", { count: traffic.unexpected })}</StatusIndicator>
      )}
    </Box>
  );
}

function walkOf(now: DemoAnswer): string {
  const ruled = now.addresses.find((one) => one.ruled) ?? now.addresses[0];
  return ruled ? `/walk?endpoint=${ruled.endpoint}&server=${ruled.private_address}` : "/walk";
}
