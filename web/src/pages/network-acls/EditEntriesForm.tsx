import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Container from "@cloudscape-design/components/container";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { sentence } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { make, useSubmit } from "../../common/useCalls";
import { type Direction, type Entry, entryCalls, nextNumber, type Preset, PRESETS } from "./entries";

/** Rules as rows; what a call refuses stands under its row. `before` is what the server has by now, so a second try makes only the rest. */
export function EditEntriesForm({ acl, direction, before }: { acl: string; direction: Direction; before: Entry[] }) {
  const { t } = useTranslation(["network-acls", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [entries, setEntries] = useState(before);
  const [row, setRow] = useState<number>();
  const calls = entryCalls(acl, direction, before, entries);
  const back = `/network-acls/${acl}?tab=${direction}`;
  const update = (at: number, part: Partial<Entry>) => {
    setEntries((all) => all.map((one, index) => (index === at ? { ...one, ...part } : one)));
  };
  const { submit, busy, problem } = useSubmit(
    async (call) => {
      for (const one of calls) {
        setRow(one.row);
        await make(call, one);
      }
    },
    () => {
      notify.success(t("saved"));
      void navigate(back);
    },
  );
  const text = (field: "number" | "ports" | "cidr", label: string, disabled?: (entry: Entry) => boolean) => ({
    label,
    control: (entry: Entry, at: number) => (
      <Input
        value={entry[field]}
        ariaLabel={label}
        disabled={disabled?.(entry)}
        onChange={({ detail }) => {
          update(at, { [field]: detail.value });
        }}
      />
    ),
  });
  const presets = (Object.keys(PRESETS) as Preset[]).map((value) => ({ value, label: t(`presets.${value}`) }));
  const actions = (["allow", "deny"] as const).map((value) => ({ value, label: t(value) }));
  return (
    <FormPage
      title={t(`editOf.${direction}`)}
      description={acl}
      submitText={t("common:save")}
      onSubmit={submit}
      busy={busy}
      error={row === undefined ? problem : null}
      calls={calls}
      back={back}
      testId="entries-form"
    >
      <Container>
        <AttributeEditor
          items={entries}
          empty={t("noRules")}
          addButtonText={t("add")}
          removeButtonText={t("common:delete")}
          onAddButtonClick={() => {
            setEntries((all) => [
              ...all,
              { number: nextNumber(all), preset: "tcp", ports: "", cidr: "", action: "allow" },
            ]);
          }}
          onRemoveButtonClick={({ detail }) => {
            setEntries((all) => all.filter((_, at) => at !== detail.itemIndex));
          }}
          definition={[
            text("number", t("number")),
            {
              label: t("type"),
              control: (entry: Entry, at) => (
                <Select
                  options={presets.filter((one) => one.value !== "other" || entry.protocol !== undefined)}
                  selectedOption={presets.find((one) => one.value === entry.preset) ?? null}
                  ariaLabel={t("type")}
                  onChange={({ detail }) => {
                    const preset = detail.selectedOption.value as Preset;
                    update(at, { preset, ports: PRESETS[preset].ports ?? entry.ports });
                  }}
                />
              ),
            },
            text("ports", t("ports"), (entry) => PRESETS[entry.preset].ports !== undefined),
            {
              ...text("cidr", t(`peer.${direction}`)),
              errorText: (_, at) => (problem && row === at ? sentence(problem) : undefined),
            },
            {
              label: t("action"),
              control: (entry: Entry, at) => (
                <Select
                  options={actions}
                  selectedOption={actions.find((one) => one.value === entry.action) ?? null}
                  ariaLabel={t("action")}
                  onChange={({ detail }) => {
                    update(at, { action: detail.selectedOption.value === "deny" ? "deny" : "allow" });
                  }}
                />
              ),
            },
          ]}
        />
      </Container>
    </FormPage>
  );
}
