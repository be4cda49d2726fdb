import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { useRead } from "../../api/read";
import { ErrorAlert } from "../../common/ErrorAlert";
import type { Reach } from "../../generated/read-api";
import { knownLanguage } from "../../i18n";
import { ChainView } from "./ChainView";
import { chains } from "./drawing";
import { useEnds } from "./ends";
import { asked, errorsOf, queryOf, type Typed } from "./question";
import { ReachForm } from "./ReachForm";
import { Verdict } from "./Verdict";

/** The form and what was answered; `wanted` is the address's question. */
export function Asked({ wanted }: { wanted: Typed }) {
  const { i18n } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const [typed, setTyped] = useState(wanted);
  const ends = useEnds();
  const question = asked(wanted, knownLanguage(i18n.language));
  const answer = useRead<Reach>("reach", question ?? {}, { enabled: question !== null });
  const rest = errorsOf(answer.error, wanted).rest;
  const reach = answer.error || answer.isPlaceholderData ? undefined : answer.data;
  return (
    <SpaceBetween size="l">
      <ReachForm
        typed={typed}
        onTyped={setTyped}
        ends={ends}
        error={answer.error}
        busy={answer.isFetching}
        onAsk={() => {
          const next = new URLSearchParams(queryOf(typed));
          if (next.toString() === query.toString()) void answer.refetch();
          else setQuery(next);
        }}
      />
      {rest && <ErrorAlert error={rest} />}
      {reach && (
        <SpaceBetween size="l">
          <Verdict reach={reach} owners={ends.owners} />
          <div className="reach-ways">
            {chains(reach).map((chain) => (
              <ChainView key={chain.direction} chain={chain} owners={ends.owners} />
            ))}
          </div>
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
