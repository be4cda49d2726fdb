import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import Toggle from "@cloudscape-design/components/toggle";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRead } from "../../api/read";
import { ErrorAlert } from "../../common/ErrorAlert";
import type { DropsAnswer, DropsAsked } from "../../generated/read-api";
import { knownLanguage } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { filtered, linesOf } from "./board";
import { dropColumns } from "./columns";
import type { Second } from "./history";
import { useHistory } from "./useHistory";

const EVERY_MS = 2_000;

/** Every reason for which packets end, where they did, how many a second, and the last of them. */
export default function DropsPage() {
  const { t, i18n } = useTranslation("drops");
  const format = useFormat();
  const [held, setHeld] = useState<readonly Second[] | null>(null);
  const [text, setText] = useState("");
  const [withIdle, setWithIdle] = useState(false);
  const asked: DropsAsked = { limit: 1_000, over_s: 1, language: knownLanguage(i18n.language) };
  const { data, error, isPending } = useRead<DropsAnswer>("drops", asked, {
    enabled: held === null,
    everyMs: EVERY_MS,
  });
  const live = useHistory();
  const seconds = held ?? live;
  const lines = useMemo(() => (data ? filtered(linesOf(data, withIdle), text) : []), [data, withIdle, text]);
  const columns = useMemo(() => dropColumns(t, format, seconds), [t, format, seconds]);
  return (
    <SpaceBetween size="s">
      {error && <ErrorAlert error={error} />}
      <Table
        variant="full-page"
        stickyHeader
        wrapLines
        data-testid="drops"
        items={lines}
        trackBy="key"
        columnDefinitions={columns}
        loading={isPending}
        loadingText={t("loading")}
        ariaLabels={{ tableLabel: t("title") }}
        empty={<Box textAlign="center">{data?.drops.length === 0 ? t("none") : t("noMatch")}</Box>}
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={`(${format.number(lines.length)})`}
            description={t("description")}
            actions={
              <Button
                iconName={held === null ? "pause" : "play"}
                data-testid="follow"
                onClick={() => {
                  setHeld(held === null ? live : null);
                }}
              >
                {held === null ? t("pause") : t("follow")}
              </Button>
            }
          >
            {t("title")}
          </Header>
        }
        filter={
          <SpaceBetween direction="horizontal" size="l" alignItems="center">
            <TextFilter
              filteringText={text}
              filteringPlaceholder={t("find")}
              filteringAriaLabel={t("find")}
              data-testid="filter"
              onChange={({ detail }) => {
                setText(detail.filteringText);
              }}
            />
            <Toggle
              checked={withIdle}
              data-testid="all"
              onChange={({ detail }) => {
                setWithIdle(detail.checked);
              }}
            >
              {t("all")}
            </Toggle>
          </SpaceBetween>
        }
      />
    </SpaceBetween>
  );
}
