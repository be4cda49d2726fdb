import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Tabs, { type TabsProps } from "@cloudscape-design/components/tabs";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { AwsError } from "../api/http";
import { Buttons } from "./Buttons";
import { ErrorAlert } from "./ErrorAlert";

export interface DetailPageProps {
  title: string;
  actions?: ReactNode;
  /** Of the question for this resource; a resource that is gone is such an error. */
  error: AwsError | null;
  /** Whether the resource is there to be shown. */
  ready: boolean;
  details: readonly KeyValuePairsProps.Item[];
  /** Between the details and the tabs: warnings. */
  notice?: ReactNode;
  tabs: TabsProps.Tab[];
}

/** One resource: its details above, the rest in tabs. The open tab is in the address (`?tab=`), so that links can lead to it. */
export function DetailPage({ title, actions, error, ready, details, notice, tabs }: DetailPageProps) {
  const { t } = useTranslation("common");
  const [query, setQuery] = useSearchParams();
  const asked = query.get("tab");
  const active = tabs.some((tab) => tab.id === asked) ? (asked ?? undefined) : tabs[0]?.id;
  if (error) return <ErrorAlert error={error} />;
  if (!ready) return <Spinner size="large" />;
  return (
    <ContentLayout
      header={
        <Header variant="h1" actions={<Buttons>{actions}</Buttons>}>
          {title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Container header={<Header variant="h2">{t("details")}</Header>}>
          <KeyValuePairs columns={4} items={details} />
        </Container>
        {notice}
        <Tabs
          tabs={tabs}
          activeTabId={active}
          ariaLabel={title}
          onChange={({ detail }) => {
            setQuery({ tab: detail.activeTabId }, { replace: true });
          }}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}
