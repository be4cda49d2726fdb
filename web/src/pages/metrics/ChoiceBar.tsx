import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { useTranslation } from "react-i18next";
import { type Choice, choiceOf, PERIODS, RANGES } from "./choice";
import { NAMESPACES, STATISTICS } from "./namespaces";

interface Option {
  value: string;
  label: string;
}

/** What is charted: namespace, resource, parts, statistic, period and range. */
export function ChoiceBar({
  choice,
  resource,
  resources,
  onChange,
}: {
  choice: Choice;
  resource: string | null;
  resources: readonly string[];
  onChange: (choice: Choice) => void;
}) {
  const { t } = useTranslation("metrics");
  const { namespace } = choice;
  const named = resource === null || resources.includes(resource) ? resources : [resource, ...resources];
  const plain = (values: readonly string[]) => values.map((value) => ({ value, label: value }));
  return (
    <ColumnLayout columns={3} minColumnWidth={220}>
      <Choose
        id="namespace"
        label={t("namespace")}
        value={namespace.name}
        options={plain(NAMESPACES.map((one) => one.name))}
        onChoose={(name) => {
          onChange(choiceOf(new URLSearchParams({ namespace: name })));
        }}
      />
      <Choose
        id="resource"
        label={t(`resources.${namespace.word}`)}
        value={resource ?? ""}
        options={plain(named)}
        onChoose={(value) => {
          onChange({ ...choice, resource: value });
        }}
      />
      <Choose
        id="split"
        label={t("split")}
        value={choice.split ?? ""}
        options={[{ value: "", label: t("whole") }, ...plain(namespace.splits)]}
        onChoose={(value) => {
          onChange({ ...choice, split: value === "" ? null : value });
        }}
      />
      <Choose
        id="statistic"
        label={t("statistic")}
        value={choice.statistic ?? ""}
        options={[{ value: "", label: t("best") }, ...plain(STATISTICS)]}
        onChoose={(value) => {
          onChange({ ...choice, statistic: STATISTICS.find((one) => one === value) ?? null });
        }}
      />
      <Choose
        id="period"
        label={t("period")}
        value={String(choice.period)}
        options={PERIODS.map((one) => ({ value: String(one), label: t(`seconds.${String(one)}`) }))}
        onChoose={(value) => {
          onChange({ ...choice, period: Number(value) });
        }}
      />
      <Choose
        id="range"
        label={t("range")}
        value={String(choice.range)}
        options={RANGES.map((one) => ({ value: String(one), label: t(`seconds.${String(one)}`) }))}
        onChoose={(value) => {
          onChange({ ...choice, range: Number(value) });
        }}
      />
    </ColumnLayout>
  );
}

function Choose({
  id,
  label,
  value,
  options,
  onChoose,
}: {
  id: string;
  label: string;
  value: string;
  options: Option[];
  onChoose: (value: string) => void;
}) {
  const { t } = useTranslation("metrics");
  return (
    <FormField label={label}>
      <Select
        data-testid={id}
        options={options}
        empty={t("noResources")}
        filteringType={id === "resource" ? "auto" : "none"}
        selectedOption={options.find((one) => one.value === value) ?? null}
        onChange={({ detail }) => {
          onChoose(detail.selectedOption.value ?? "");
        }}
      />
    </FormField>
  );
}
