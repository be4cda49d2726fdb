import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TextFilter from "@cloudscape-design/components/text-filter";
import Toggle from "@cloudscape-design/components/toggle";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { useRead } from "../../api/read";
import { ErrorAlert } from "../../common/ErrorAlert";
import { Findings } from "../../common/Findings";
import { targetGroupPath } from "../../common/paths";
import { VirtualTable } from "../../common/VirtualTable";
import type { TargetsAnswer } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import { DeregisterForm } from "./DeregisterForm";
import { DrainBar } from "./DrainBar";
import { targetColumns, type Ticked } from "./targetColumns";
import { TargetPanel } from "./TargetPanel";
import { targetRows } from "./timeline";

const NOTHING: ReadonlySet<string> = new Set();
const SHOWN_DRAINS = 5;
/** Of a large group the timelines are a large answer. */
const MANY = 500;
/** Of each target of many: thousands with all their probes would be tens of megabytes. */
const FEW_PROBES = 20;

/** Targets with health over time; a click on one opens it below. */
export function TargetsTab({ group }: { group: string }) {
  const { t } = useTranslation("target-groups");
  const navigate = useNavigate();
  const format = useFormat();
  const [ticked, setTicked] = useState(NOTHING);
  const [chosen, setChosen] = useState<string | null>(null);
  const [onlyUnhealthy, setOnlyUnhealthy] = useState(false);
  const [filter, setFilter] = useState("");
  const [deregistering, setDeregistering] = useState(false);
  const health = useAws("elbv2", "DescribeTargetHealth", { TargetGroupArn: group });
  const descriptions = health.data?.TargetHealthDescriptions;
  const many = (descriptions?.length ?? 0) > MANY;
  const timelines = useRead<TargetsAnswer>(
    "targets",
    { target_group: group, probes: many ? FEW_PROBES : undefined },
    { everyMs: many ? 15_000 : 2_000 },
  );
  const rows = useMemo(
    () => targetRows(descriptions ?? [], timelines.data?.targets ?? []),
    [descriptions, timelines.data],
  );
  const items = useMemo(
    (): Ticked[] =>
      rows
        .filter((row) => !onlyUnhealthy || row.state !== "healthy")
        .filter((row) => [row.id, row.zone, row.reason, row.timeline?.name].some((text) => text?.includes(filter)))
        .map((row) => ({ row, ticked: ticked.has(row.id) })),
    [rows, onlyUnhealthy, filter, ticked],
  );
  const tick = useCallback((id: string, on: boolean) => {
    setTicked((before) => new Set(on ? [...before, id] : [...before].filter((one) => one !== id)));
  }, []);
  const columns = useMemo(() => targetColumns(t, tick), [t, tick]);
  const targets = rows.filter((row) => ticked.has(row.id)).map((row) => row.id);
  const shown = rows.find((row) => row.id === chosen);
  const draining = rows.filter((row) => row.timeline?.draining);
  return (
    <SpaceBetween size="m">
      <Findings resource={group} field="Targets" />
      {health.error && <ErrorAlert error={health.error} />}
      {draining
        .slice(0, SHOWN_DRAINS)
        .map(
          ({ id, timeline }) => timeline?.draining && <DrainBar key={id} target={id} draining={timeline.draining} />,
        )}
      <VirtualTable<Ticked>
        title={t("targets")}
        testId="targets"
        columns={columns}
        items={items}
        id={({ row }) => row.id}
        selected={chosen}
        onSelect={({ row }) => {
          setChosen(row.id);
        }}
        height="420px"
        empty={t("noTargets")}
        header={
          <Header
            variant="h2"
            counter={`(${format.number(items.length)})`}
            description={t("targetsWhat")}
            actions={
              <SpaceBetween direction="horizontal" size="xs" alignItems="center">
                <Toggle
                  data-testid="only-unhealthy"
                  checked={onlyUnhealthy}
                  onChange={({ detail }) => {
                    setOnlyUnhealthy(detail.checked);
                  }}
                >
                  {t("onlyUnhealthy")}
                </Toggle>
                <Button
                  data-testid="deregister"
                  disabled={targets.length === 0}
                  onClick={() => {
                    setDeregistering(true);
                  }}
                >
                  {t("deregister")}
                </Button>
                <Button
                  variant="primary"
                  data-testid="register"
                  onClick={() => void navigate(`${targetGroupPath(group)}/register`)}
                >
                  {t("register.title")}
                </Button>
              </SpaceBetween>
            }
          >
            {t("targets")}
          </Header>
        }
      />
      <TextFilter
        filteringText={filter}
        filteringPlaceholder={t("common:table.find", { what: t("targets") })}
        filteringAriaLabel={t("common:table.find", { what: t("targets") })}
        onChange={({ detail }) => {
          setFilter(detail.filteringText);
        }}
      />
      {shown && <TargetPanel row={shown} group={group} asked={timelines.dataUpdatedAt} />}
      {deregistering && (
        <DeregisterForm
          group={group}
          targets={targets}
          onClose={() => {
            setDeregistering(false);
            setTicked(NOTHING);
          }}
        />
      )}
    </SpaceBetween>
  );
}
