import Autosuggest from "@cloudscape-design/components/autosuggest";
import FormField from "@cloudscape-design/components/form-field";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { completed, parseFilter, suggestions } from "./filter";
import type { Flow } from "./flow";

/** One line of `gwlb flows`'s words, with suggestions; a filter that says nothing wrong is passed on. */
export function FilterBar({
  initial,
  flows,
  onFilter,
}: {
  initial: string;
  flows: readonly Flow[];
  onFilter: (text: string) => void;
}) {
  const { t } = useTranslation("flows");
  const [text, setText] = useState(initial);
  const { wrong } = parseFilter(text);
  const options = useMemo(
    () => suggestions(text, flows).map((term) => ({ value: completed(text, term), label: term })),
    [text, flows],
  );
  const change = (next: string) => {
    setText(next);
    if (parseFilter(next).filter) onFilter(next.trim());
  };
  return (
    <FormField
      label={t("filter.label")}
      description={t("filter.description")}
      errorText={wrong && !isTyping(text) ? t(`filter.wrong.${wrong.problem}`, { term: wrong.term }) : undefined}
      stretch
    >
      <Autosuggest
        value={text}
        options={options}
        filteringType="manual"
        placeholder="verdict:no_targets target:fw-2 port:80 10.0.0.5"
        enteredTextLabel={(value) => t("filter.use", { value })}
        ariaLabel={t("filter.label")}
        data-testid="filter"
        onChange={({ detail }) => {
          change(detail.value);
        }}
      />
    </FormField>
  );
}

/** Whether the last term may still become right: `targ`, `port:`. */
function isTyping(text: string): boolean {
  const rest = text.replace(/\S*$/, "");
  return !/\s$/.test(text) && parseFilter(rest).filter !== null && !/:\S/.test(text.slice(rest.length));
}
