import ColumnLayout from "@cloudscape-design/components/column-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { asksForPages, CHECK_PROTOCOLS, type CheckDraft, type CheckField } from "./draft";

const NUMBERS = ["healthy", "unhealthy", "timeout", "interval"] as const;

/** Protocol and path above, the rest under "Advanced", as AWS's console has them. */
export function HealthCheckFields({
  check,
  onChange,
  errorAt,
  open = false,
  disabled = false,
}: {
  check: CheckDraft;
  onChange: (part: Partial<CheckDraft>) => void;
  errorAt: (field: CheckField) => string | undefined;
  open?: boolean;
  disabled?: boolean;
}) {
  const { t } = useTranslation("target-groups");
  const field = (name: keyof CheckDraft, type: "text" | "number" = "text") => (
    <FormField
      key={name}
      label={t(`check.${name}`)}
      description={t(`check.${name}What`)}
      constraintText={t(`check.${name}Limit`)}
      errorText={errorAt(`check.${name}`)}
    >
      <Input
        data-testid={`check-${name}`}
        type={type}
        value={check[name]}
        disabled={disabled}
        onChange={({ detail }) => {
          onChange({ [name]: detail.value });
        }}
      />
    </FormField>
  );
  const wrong = (["port", ...NUMBERS, "codes"] as const).some((name) => errorAt(`check.${name}`) !== undefined);
  return (
    <SpaceBetween size="m">
      <FormField
        label={t("check.protocol")}
        description={t("check.protocolWhat")}
        errorText={errorAt("check.protocol")}
      >
        <Select
          data-testid="check-protocol"
          disabled={disabled}
          selectedOption={{ value: check.protocol, label: check.protocol }}
          options={CHECK_PROTOCOLS.map((value) => ({ value, label: value }))}
          onChange={({ detail }) => {
            onChange({ protocol: detail.selectedOption.value ?? check.protocol });
          }}
        />
      </FormField>
      {asksForPages(check) && field("path")}
      {/* An error inside must be seen. */}
      <ExpandableSection headerText={t("check.advanced")} key={String(wrong)} defaultExpanded={open || wrong}>
        <SpaceBetween size="m">
          {field("port")}
          <ColumnLayout columns={2}>{NUMBERS.map((name) => field(name, "number"))}</ColumnLayout>
          {asksForPages(check) && field("codes")}
        </SpaceBetween>
      </ExpandableSection>
    </SpaceBetween>
  );
}
