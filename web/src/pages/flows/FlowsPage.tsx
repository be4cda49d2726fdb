import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../../common/ErrorAlert";
import { VirtualTable } from "../../common/VirtualTable";
import { useFormat } from "../../i18n/format";
import { flowColumns } from "./columns";
import { durationFor } from "../../common/duration";
import { matcher, parseFilter } from "./filter";
import { FilterBar } from "./FilterBar";
import { type Flow, flowId } from "./flow";
import { FlowPanel } from "./FlowPanel";
import { useFlows } from "./useFlows";

/** Typing is over when nothing came for this long: then the server is asked. */
const TYPING_MS = 300;

/** `/flows?filter=target:fw-1`; other pages may say `?target=` or `?endpoint=`. */
function firstFilter(query: URLSearchParams): string {
  const given = ["endpoint", "target", "verdict"].flatMap((word) =>
    query.getAll(word).map((value) => `${word}:${value}`),
  );
  return [query.get("filter") ?? "", ...given].filter(Boolean).join(" ");
}

export default function FlowsPage() {
  const { t, i18n } = useTranslation("flows");
  const format = useFormat();
  const [query, setQuery] = useSearchParams();
  const [typed, setTyped] = useState(() => firstFilter(query));
  const [asked, setAsked] = useState(() => (parseFilter(typed).filter ? typed : ""));
  const [following, setFollowing] = useState(true);
  const [chosen, setChosen] = useState<Flow | null>(null);
  const seen = useFlows(asked, following);

  useEffect(() => {
    const timer = setTimeout(() => {
      if (!parseFilter(typed).filter) return;
      setAsked(typed);
      setQuery(typed === "" ? {} : { filter: typed }, { replace: true });
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, setQuery]);

  const filter = useDeferredValue(typed);
  const flows = useMemo(() => {
    const parsed = parseFilter(filter).filter;
    return parsed ? seen.flows.filter(matcher(parsed)) : seen.flows;
  }, [seen.flows, filter]);
  const duration = useMemo(() => durationFor(i18n.language), [i18n.language]);
  const columns = useMemo(() => flowColumns(t, format, duration), [t, format, duration]);
  const chosenId = chosen && flowId(chosen);
  const shown = useMemo(
    () => (chosenId === null ? null : (seen.flows.find((flow) => flowId(flow) === chosenId) ?? chosen)),
    [seen.flows, chosenId, chosen],
  );

  return (
    <SpaceBetween size="s">
      {seen.error && <ErrorAlert error={seen.error} />}
      <VirtualTable
        title={t("title")}
        testId="flows"
        columns={columns}
        items={flows}
        id={flowId}
        selected={chosenId}
        onSelect={setChosen}
        height={shown ? "calc(100dvh - 570px)" : "calc(100dvh - 340px)"}
        header={
          <SpaceBetween size="s">
            <Header
              variant="h1"
              counter={`(${format.number(flows.length)})`}
              description={
                seen.at > 0 &&
                t(seen.total > seen.flows.length ? "newestOf" : "asOf", {
                  time: format.time(seen.at),
                  total: format.number(seen.total),
                })
              }
              actions={
                <Button
                  iconName={following ? "pause" : "play"}
                  data-testid="follow"
                  onClick={() => {
                    setFollowing(!following);
                  }}
                >
                  {following ? t("pause") : t("follow")}
                </Button>
              }
            >
              {t("title")}
            </Header>
            <FilterBar initial={typed} flows={seen.flows} onFilter={setTyped} />
          </SpaceBetween>
        }
        empty={<Box color="text-body-secondary">{seen.at === 0 ? t("loading") : t("empty")}</Box>}
      />
      {shown && <FlowPanel flow={shown} duration={duration} />}
    </SpaceBetween>
  );
}
