import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useTranslation } from "react-i18next";
import { type ImportField, type ImportForm, KINDS, type Way, WAYS } from "./importing";

const EXAMPLES: Record<Way, string> = {
  file: "/srv/images/firewall.oci.tar",
  url: "https://example.com/firewall.qcow2",
  registry: "registry.example.com/acme/firewall:4.2",
};

interface Fields {
  form: ImportForm;
  onChange: (part: Partial<ImportForm>) => void;
  errorAt: (field: ImportField) => string | undefined;
  disabled: boolean;
}

/** Where the image is, and what. */
export function ImportSource({ form, onChange, errorAt, disabled }: Fields) {
  const { t } = useTranslation("images");
  const kinds = KINDS.map((value) => ({ value, label: t(`import.kinds.${value}`) }));
  return (
    <Container header={<Header variant="h2">{t("import.from")}</Header>}>
      <SpaceBetween size="l">
        <FormField label={t("import.way")}>
          <RadioGroup
            value={form.way}
            items={WAYS.map((value) => ({
              value,
              disabled,
              label: t(`import.ways.${value}`),
              description: t(`import.hints.${value}`),
            }))}
            onChange={({ detail }) => {
              onChange({ way: WAYS.find((one) => one === detail.value) ?? "file" });
            }}
          />
        </FormField>
        <FormField label={t("source")} errorText={errorAt("source")} stretch>
          <Input
            value={form.source}
            disabled={disabled}
            data-testid="source"
            placeholder={EXAMPLES[form.way]}
            spellcheck={false}
            onChange={({ detail }) => {
              onChange({ source: detail.value });
            }}
          />
        </FormField>
        <FormField label={t("kind")}>
          <Select
            data-testid="kind"
            disabled={disabled}
            options={kinds}
            selectedOption={kinds.find((one) => one.value === form.kind) ?? null}
            onChange={({ detail }) => {
              onChange({ kind: KINDS.find((one) => one === detail.selectedOption.value) ?? "auto" });
            }}
          />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}

/** What is said about it, and how it is started. */
export function ImportAbout({ form, onChange, errorAt, disabled }: Fields) {
  const { t } = useTranslation("images");
  const text = (field: "name" | "vendor" | "version" | "description" | "command" | "maxGib") => (
    <Input
      value={form[field]}
      disabled={disabled}
      data-testid={field}
      inputMode={field === "maxGib" ? "decimal" : "text"}
      onChange={({ detail }) => {
        onChange({ [field]: detail.value });
      }}
    />
  );
  const box = (field: "inKernel" | "isPublic") => (
    <Checkbox
      checked={form[field]}
      disabled={disabled}
      data-testid={field}
      description={t(`import.${field}Hint`)}
      onChange={({ detail }) => {
        onChange({ [field]: detail.checked });
      }}
    >
      {t(`import.${field}`)}
    </Checkbox>
  );
  return (
    <Container header={<Header variant="h2">{t("import.about")}</Header>}>
      <SpaceBetween size="l">
        <FormField label={t("amiName")} errorText={errorAt("name")} constraintText={t("import.nameHint")}>
          {text("name")}
        </FormField>
        <FormField label={t("vendor")}>{text("vendor")}</FormField>
        <FormField label={t("version")}>{text("version")}</FormField>
        <FormField label={t("description")} stretch>
          {text("description")}
        </FormField>
        {box("isPublic")}
        <ExpandableSection headerText={t("import.more")}>
          <SpaceBetween size="l">
            <FormField label={t("starts")} description={t("import.commandHint")} errorText={errorAt("command")} stretch>
              {text("command")}
            </FormField>
            {box("inKernel")}
            <FormField label={t("import.maxGib")} errorText={errorAt("maxGib")}>
              {text("maxGib")}
            </FormField>
            <FormField label={t("import.licence")} stretch>
              <Textarea
                value={form.licence}
                disabled={disabled}
                data-testid="licence"
                rows={6}
                onChange={({ detail }) => {
                  onChange({ licence: detail.value });
                }}
              />
            </FormField>
          </SpaceBetween>
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}
