import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { GroupFields } from "../../target-groups/form/GroupFields";
import { HealthCheckFields } from "../../target-groups/form/HealthCheckFields";
import { GroupSelect } from "../GroupSelect";
import type { StepProps } from "./step";

/** Step 2: the target group that the listener forwards to, new or existing. */
export function RoutingStep({ draft, change, errorAt, made }: StepProps) {
  const { t } = useTranslation("load-balancers");
  const fixed = made.targetGroup !== undefined;
  return (
    <SpaceBetween size="l">
      {fixed && <Alert type="info">{t("wizard.fixedGroup", { name: draft.group.name })}</Alert>}
      <Container
        header={
          <Header variant="h2" description={t("wizard.routingWhat")}>
            {t("targetGroup")}
          </Header>
        }
      >
        <SpaceBetween size="m">
          <SegmentedControl
            data-testid="routing"
            label={t("targetGroup")}
            selectedId={draft.routing}
            options={(["new", "existing"] as const).map((id) => ({ id, text: t(`wizard.${id}`), disabled: fixed }))}
            onChange={({ detail }) => {
              change({ routing: detail.selectedId === "existing" ? "existing" : "new", targets: [] });
            }}
          />
          {draft.routing === "existing" ? (
            <FormField label={t("targetGroup")} description={t("wizard.existingWhat")} errorText={errorAt("existing")}>
              <GroupSelect
                vpc={draft.vpc}
                value={draft.existing}
                onChange={(existing) => {
                  change({ existing, targets: [] });
                }}
              />
            </FormField>
          ) : (
            <GroupFields
              draft={draft.group}
              errorAt={errorAt}
              disabled={fixed}
              onChange={(part) => {
                const other = part.targetType !== undefined && part.targetType !== draft.group.targetType;
                change({ group: { ...draft.group, ...part }, ...(other ? { targets: [] } : {}) });
              }}
            />
          )}
        </SpaceBetween>
      </Container>
      {draft.routing === "new" && (
        <Container
          header={
            <Header variant="h2" description={t("target-groups:check.what")}>
              {t("target-groups:check.title")}
            </Header>
          }
        >
          <HealthCheckFields
            check={draft.group.check}
            errorAt={errorAt}
            disabled={fixed}
            onChange={(part) => {
              change({ group: { ...draft.group, check: { ...draft.group.check, ...part } } });
            }}
          />
        </Container>
      )}
    </SpaceBetween>
  );
}
