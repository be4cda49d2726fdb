import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tiles from "@cloudscape-design/components/tiles";
import { useTranslation } from "react-i18next";
import { GENEVE_PORT, type GroupDraft, type GroupField } from "./draft";

const TYPES = ["instance", "ip"] as const;

/** What a target group is: type and name, and GENEVE's protocol and port, which are what they are. */
export function GroupFields({
  draft,
  onChange,
  errorAt,
  disabled = false,
}: {
  draft: GroupDraft;
  onChange: (part: Partial<GroupDraft>) => void;
  errorAt: (field: GroupField) => string | undefined;
  disabled?: boolean;
}) {
  const { t } = useTranslation("target-groups");
  return (
    <SpaceBetween size="m">
      <FormField label={t("targetType")} errorText={errorAt("group.targetType")} stretch>
        <Tiles
          data-testid="target-type"
          value={draft.targetType}
          ariaLabel={t("targetType")}
          items={TYPES.map((value) => ({
            value,
            label: t(`types.${value}`),
            description: t(`types.${value}What`),
            disabled,
          }))}
          onChange={({ detail }) => {
            onChange({ targetType: detail.value === "ip" ? "ip" : "instance" });
          }}
        />
      </FormField>
      <FormField label={t("groupName")} constraintText={t("nameLimit")} errorText={errorAt("group.name")}>
        <Input
          data-testid="group-name"
          value={draft.name}
          disabled={disabled}
          onChange={({ detail }) => {
            onChange({ name: detail.value });
          }}
        />
      </FormField>
      <ColumnLayout columns={2}>
        <FormField label={t("protocol")} description={t("protocolWhat")}>
          <Input data-testid="protocol" value="GENEVE" readOnly />
        </FormField>
        <FormField label={t("port")} description={t("portWhat")}>
          <Input data-testid="port" value={String(GENEVE_PORT)} readOnly />
        </FormField>
      </ColumnLayout>
      <Box color="text-body-secondary" fontSize="body-s">
        {t("geneveWhat")}
      </Box>
    </SpaceBetween>
  );
}
