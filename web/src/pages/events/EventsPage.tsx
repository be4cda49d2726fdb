import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRead } from "../../api/read";
import { ErrorAlert } from "../../common/ErrorAlert";
import { ResourceLink } from "../../common/ResourceLink";
import type { StoreChange } from "../../generated/read-api";
import { useFormat } from "../../i18n/format";
import { useChanges, useNotices } from "../../live/LiveProvider";
import type { Change } from "../../live/stream";
import { type Entry, filtered, merged, ofChange, ofNotice } from "./entries";

const SHOWN = 500;

/** What happened, the newest first: the history that is kept, and what the stream adds while one looks. */
export default function EventsPage() {
  const { t } = useTranslation("events");
  const format = useFormat();
  const { data, error, isPending } = useRead<{ events: StoreChange[] }>("events", { limit: SHOWN });
  const changes = useChanges();
  const notices = useNotices();
  const [held, setHeld] = useState<readonly Entry[] | null>(null);
  const [kind, setKind] = useState("");
  const [text, setText] = useState("");
  const live = useMemo(
    () => merged(((data?.events ?? []) as Change[]).map(ofChange), changes.map(ofChange), notices.map(ofNotice)),
    [data, changes, notices],
  );
  const entries = held ?? live;
  const say = (entry: Entry) =>
    t(`say.${entry.say}`, { ...entry.values, kind: t(`kind.${entry.kind}`, { defaultValue: entry.kind }) });
  const rows = filtered(
    entries.map((entry) => ({ entry, text: say(entry) })),
    kind,
    text,
  ).slice(0, SHOWN);
  const every = { value: "", label: t("everyKind") };
  const kinds = [...new Set(entries.map((entry) => entry.kind))]
    .sort()
    .map((one) => ({ value: one, label: t(`kind.${one}`, { defaultValue: one }) }));
  const waiting = held === null ? 0 : live.length - held.length;
  return (
    <SpaceBetween size="s">
      {error && <ErrorAlert error={error} />}
      <Table
        variant="full-page"
        stickyHeader
        wrapLines
        data-testid="events"
        items={rows}
        trackBy={(row) => row.entry.id}
        loading={isPending && entries.length === 0}
        loadingText={t("loading")}
        ariaLabels={{ tableLabel: t("title") }}
        empty={<Box textAlign="center">{entries.length === 0 ? t("none") : t("noMatch")}</Box>}
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={`(${format.number(rows.length)})`}
            actions={
              <Button
                iconName={held === null ? "pause" : "play"}
                data-testid="follow"
                onClick={() => {
                  setHeld(held === null ? live : null);
                }}
              >
                {held === null ? t("pause") : t("follow", { count: Math.max(0, waiting) })}
              </Button>
            }
          >
            {t("title")}
          </Header>
        }
        filter={
          <SpaceBetween direction="horizontal" size="s">
            <TextFilter
              filteringText={text}
              filteringPlaceholder={t("find")}
              filteringAriaLabel={t("find")}
              onChange={({ detail }) => {
                setText(detail.filteringText);
              }}
            />
            <Select
              options={[every, ...kinds]}
              selectedOption={kinds.find((one) => one.value === kind) ?? every}
              ariaLabel={t("kindLabel")}
              data-testid="kind"
              onChange={({ detail }) => {
                setKind(detail.selectedOption.value ?? "");
              }}
            />
          </SpaceBetween>
        }
        columnDefinitions={[
          { id: "at", header: t("time"), width: 190, cell: ({ entry }) => format.date(entry.at) },
          {
            id: "what",
            header: t("what"),
            isRowHeader: true,
            cell: (row) => <StatusIndicator type={row.entry.weight}>{row.text}</StatusIndicator>,
          },
          {
            id: "resource",
            header: t("resource"),
            width: 170,
            cell: ({ entry: { page, values } }) => {
              const name = String(values.name ?? values.where ?? "");
              return page === null ? name : <ResourceLink to={page}>{name}</ResourceLink>;
            },
          },
        ]}
      />
    </SpaceBetween>
  );
}
