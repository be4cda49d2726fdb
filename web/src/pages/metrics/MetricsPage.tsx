import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../../common/ErrorAlert";
import { addressOf, choiceOf } from "./choice";
import { ChoiceBar } from "./ChoiceBar";
import { MetricChart } from "./MetricChart";
import { useMetrics } from "./useMetrics";

const HALF = { colspan: { default: 12, m: 6 } };

/** `/metrics?loadBalancer=ARN`, `?endpoint=`, `?service=` or `?instance=`: CloudWatch's charts of one resource. */
export default function MetricsPage() {
  const { t } = useTranslation("metrics");
  const [query, setQuery] = useSearchParams();
  const choice = useMemo(() => choiceOf(query), [query]);
  const { resources, resource, span, loading, error, charts } = useMetrics(choice);
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={t("what")}>
          {t("title")}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error && <ErrorAlert error={error} />}
        <Container>
          <ChoiceBar
            choice={choice}
            resource={resource}
            resources={resources}
            onChange={(chosen) => {
              setQuery(addressOf(chosen), { replace: true });
            }}
          />
        </Container>
        {resource === null ? (
          <Box color="text-body-secondary">{loading ? t("common:table.loading") : t("empty")}</Box>
        ) : (
          <Grid gridDefinition={charts.map(() => HALF)}>
            {charts.map(({ chart, series }) => (
              <MetricChart key={chart.id} chart={chart} series={series} statistic={choice.statistic} span={span} />
            ))}
          </Grid>
        )}
      </SpaceBetween>
    </ContentLayout>
  );
}
