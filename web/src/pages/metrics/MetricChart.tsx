import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { aligned, type LineSeries, valueText } from "../../common/chart";
import { LineChart } from "../../common/LineChart";
import { useFormat } from "../../i18n/format";
import type { Chart, Statistic } from "./namespaces";
import type { Span } from "./questions";

const HEIGHT_PX = 200;

/** One chart with what its metrics say, and the same as a table. */
export function MetricChart({
  chart,
  series,
  statistic,
  span,
}: {
  chart: Chart;
  series: readonly LineSeries[];
  statistic: Statistic | null;
  span: Span;
}) {
  const { t } = useTranslation("metrics");
  const title = t(`charts.${chart.id}`);
  const points = series.some((one) => one.points.length > 0);
  return (
    <Container fitHeight header={<Header variant="h2">{title}</Header>} data-testid={`chart-${chart.id}`}>
      <SpaceBetween size="s">
        {Object.entries(chart.metrics).map(([name, best]) => (
          <Box key={name} variant="small" display="block">
            <b>{name}</b> ({statistic ?? best}): {t(`says.${name}`)}
          </Box>
        ))}
        {points ? (
          <>
            <LineChart
              title={title}
              series={series}
              unit={chart.unit}
              height={HEIGHT_PX}
              range={[span.start, span.end]}
              group="metrics"
            />
            <AsTable title={title} chart={chart} series={series} />
          </>
        ) : (
          <Box color="text-body-secondary">{t("noPoints")}</Box>
        )}
      </SpaceBetween>
    </Container>
  );
}

function AsTable({ title, chart, series }: { title: string; chart: Chart; series: readonly LineSeries[] }) {
  const { t } = useTranslation("metrics");
  const [open, setOpen] = useState(false);
  return (
    <ExpandableSection
      headerText={t("table")}
      headerAriaLabel={`${t("table")}: ${title}`}
      expanded={open}
      onChange={({ detail }) => {
        setOpen(detail.expanded);
      }}
    >
      {open && <Values title={title} chart={chart} series={series} />}
    </ExpandableSection>
  );
}

function Values({ title, chart, series }: { title: string; chart: Chart; series: readonly LineSeries[] }) {
  const { t } = useTranslation("metrics");
  const format = useFormat();
  const { times, values } = aligned(series);
  const rows = times.map((time, place) => ({ time, place })).reverse();
  return (
    <Table
      variant="embedded"
      contentDensity="compact"
      ariaLabels={{ tableLabel: title }}
      items={rows}
      trackBy={(row) => String(row.time)}
      columnDefinitions={[
        { id: "time", header: t("time"), cell: (row) => format.date(row.time * 1000), isRowHeader: true },
        ...series.map((one, at) => ({
          id: one.label,
          header: one.label,
          cell: ({ place }: { time: number; place: number }) => {
            const value = values[at]?.[place] ?? null;
            return value === null ? "–" : valueText(format, chart.unit, value);
          },
        })),
      ]}
    />
  );
}
