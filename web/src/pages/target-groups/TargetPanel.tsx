import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { CaptureButton } from "../../common/CaptureButton";
import { ResourceLink } from "../../common/ResourceLink";
import { StateOf } from "../../common/StateOf";
import { useFormat } from "../../i18n/format";
import { DrainBar } from "./DrainBar";
import { HealthStrip } from "./HealthStrip";
import { isFlapping, type TargetRow, threshold } from "./timeline";

/** One target: its probes, what came of them, and its packets. */
export function TargetPanel({ row, group, asked }: { row: TargetRow; group: string; asked: number }) {
  const { t } = useTranslation("target-groups");
  const format = useFormat();
  const { timeline } = row;
  const instance = row.id.startsWith("i-");
  const near = timeline && threshold(timeline);
  const count = (value: number | null | undefined) => (value == null ? t("common:none") : format.number(value));
  return (
    <Container
      data-testid="target-panel"
      header={
        <Header
          variant="h2"
          actions={<CaptureButton port={instance ? row.id : group} host={instance ? undefined : row.id} />}
        >
          {instance ? <ResourceLink to={`/instances/${row.id}`}>{row.id}</ResourceLink> : row.id}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {timeline?.draining && <DrainBar target={row.id} draining={timeline.draining} />}
        {timeline && <HealthStrip probes={timeline.health.probes} />}
        {near && (
          <StatusIndicator type="warning">
            {t(`probes.near.${near.kind}`, { count: near.count, of: near.of })}
          </StatusIndicator>
        )}
        {timeline && isFlapping(timeline.transitions, timeline.health.probes, asked / 1000) && (
          <StatusIndicator type="warning">{t("probes.flapping")}</StatusIndicator>
        )}
        <KeyValuePairs
          columns={4}
          items={[
            { label: t("common:state"), value: <StateOf state={row.state} /> },
            { label: t("reason"), value: row.reason || t("common:none") },
            { label: t("description"), value: row.description || t("common:none") },
            { label: t("register.address"), value: timeline?.address ?? t("common:none") },
            { label: t("flows"), value: count(timeline?.flows) },
            { label: t("given"), value: count(timeline?.given) },
            { label: t("returned"), value: count(timeline?.returned) },
            {
              label: t("transitions"),
              value: (
                <SpaceBetween size="xxs">
                  {(timeline?.transitions ?? []).slice(-5).map((one) => (
                    <div key={one.at}>
                      {format.time(one.at * 1000)} {one.state} {one.reason}
                    </div>
                  ))}
                </SpaceBetween>
              ),
            },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
