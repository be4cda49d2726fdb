import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { CaptureButton } from "../../common/CaptureButton";
import { ResourceLink } from "../../common/ResourceLink";
import { TargetOf, VerdictOf } from "./columns";
import { destinationOf, type Flow, sourceOf, walkOf } from "./flow";
import { useReachOf } from "./useReachOf";

/** The chosen flow: why it goes where it goes, and what can be asked about it. */
export function FlowPanel({ flow, duration }: { flow: Flow; duration: (seconds: number) => string }) {
  const { t } = useTranslation("flows");
  const navigate = useNavigate();
  const reach = useReachOf(flow);
  return (
    <Container
      data-testid="flow"
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <CaptureButton port={flow.endpoint} host={flow.source} />
              <Button disabled={reach === null} data-testid="why" onClick={() => reach && void navigate(reach)}>
                {t("check")}
              </Button>
              <Button data-testid="walk" onClick={() => void navigate(walkOf(flow))}>
                {t("walk")}
              </Button>
            </SpaceBetween>
          }
        >
          {`${flow.protocol} ${sourceOf(flow)} → ${destinationOf(flow)}`}
        </Header>
      }
    >
      <KeyValuePairs
        columns={4}
        items={[
          { label: t("verdict"), value: <VerdictOf verdict={flow.verdict} /> },
          { label: t("meaning"), value: t(`verdicts.${flow.verdict}`, { defaultValue: flow.verdict }) },
          { label: t("target"), value: <TargetOf flow={flow} link={ResourceLink} /> },
          { label: t("why"), value: t(`whys.${flow.why.split(" ")[0] ?? ""}`, { defaultValue: flow.why }) },
          {
            label: t("endpoint"),
            value: <ResourceLink to={`/endpoints/${flow.endpoint}`}>{flow.endpoint}</ResourceLink>,
          },
          { label: t("state"), value: flow.state ?? "–" },
          { label: t("cookie"), value: flow.cookie },
          { label: t("expires"), value: duration(Math.max(0, flow.expires_s)) },
        ]}
      />
    </Container>
  );
}
