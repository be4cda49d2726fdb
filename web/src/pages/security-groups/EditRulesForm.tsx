import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Container from "@cloudscape-design/components/container";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { AwsError } from "../../api/http";
import { sentence } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { type Caller, useSubmit } from "../../common/useCalls";
import { changes, type Direction, EMPTY, type Preset, PRESETS, type Rule } from "./rules";

/** Asked a second time, AWS says so of a rule that an earlier try has made; it is there, which is what was wanted. */
function unlessThere(error: AwsError): void {
  if (error.code !== "InvalidPermission.Duplicate") throw error;
}

/** Rules as rows; what a call refuses stands under its row, and the rows before it are done. */
export function EditRulesForm({ group, direction, before }: { group: string; direction: Direction; before: Rule[] }) {
  const { t } = useTranslation(["security-groups", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [there] = useState(before);
  const [rules, setRules] = useState(before);
  /** Whose call is being made, and after a refusal the one that it concerns. */
  const [row, setRow] = useState<number>();
  const calls = changes(group, direction, there, rules);

  const update = (at: number, part: Partial<Rule>) => {
    setRules((all) => all.map((rule, index) => (index === at ? { ...rule, ...part } : rule)));
  };

  const save = async (call: Caller) => {
    for (const one of calls) {
      setRow(one.row);
      const made =
        one.operation === "RevokeSecurityGroupIngress" || one.operation === "RevokeSecurityGroupEgress"
          ? call("ec2", one.operation, one.parameters)
          : call("ec2", one.operation, one.parameters);
      await made.catch(unlessThere);
    }
  };
  const { submit, busy, problem } = useSubmit(save, () => {
    notify.success(t("rules.saved"));
    void navigate(`/security-groups/${group}`);
  });

  return (
    <FormPage
      title={t(`rules.editOf.${direction}`)}
      description={group}
      submitText={t("rules.save")}
      onSubmit={submit}
      busy={busy}
      error={row === undefined ? problem : null}
      calls={calls}
      back={`/security-groups/${group}`}
      testId="rules-form"
    >
      <Container>
        <AttributeEditor
          items={rules}
          empty={t("rules.empty")}
          addButtonText={t("rules.add")}
          removeButtonText={t("common:delete")}
          onAddButtonClick={() => {
            setRules((all) => [...all, EMPTY]);
          }}
          onRemoveButtonClick={({ detail }) => {
            setRules((all) => all.filter((_, at) => at !== detail.itemIndex));
          }}
          definition={[
            {
              label: t("rules.type"),
              control: (rule: Rule, at) => (
                <PresetSelect
                  value={rule.preset}
                  onChange={(preset) => {
                    update(at, { preset, ports: PRESETS[preset].ports ?? rule.ports });
                  }}
                />
              ),
            },
            {
              label: t("rules.ports"),
              control: (rule: Rule, at) => (
                <Input
                  value={rule.ports}
                  ariaLabel={t("rules.ports")}
                  disabled={PRESETS[rule.preset].ports !== undefined}
                  onChange={({ detail }) => {
                    update(at, { ports: detail.value });
                  }}
                />
              ),
            },
            {
              label: t(`rules.peer.${direction}`),
              errorText: (_, at) => (problem && row === at ? sentence(problem) : undefined),
              control: (rule: Rule, at) => (
                <Input
                  value={rule.peer}
                  placeholder="10.1.0.0/24, sg-…"
                  ariaLabel={t(`rules.peer.${direction}`)}
                  onChange={({ detail }) => {
                    update(at, { peer: detail.value });
                  }}
                />
              ),
            },
            {
              label: t("description"),
              control: (rule: Rule, at) => (
                <Input
                  value={rule.description}
                  ariaLabel={t("description")}
                  onChange={({ detail }) => {
                    update(at, { description: detail.value });
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

function PresetSelect({ value, onChange }: { value: Preset; onChange: (preset: Preset) => void }) {
  const { t } = useTranslation("security-groups");
  const options = (Object.keys(PRESETS) as Preset[]).map((preset) => ({
    value: preset,
    label: t(`presets.${preset}`),
  }));
  return (
    <Select
      selectedOption={options.find((one) => one.value === value) ?? null}
      options={options}
      ariaLabel={t("rules.type")}
      onChange={({ detail }) => {
        onChange(detail.selectedOption.value as Preset);
      }}
    />
  );
}
