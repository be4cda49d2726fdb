import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Equivalent } from "../../../common/Equivalent";
import { arnName } from "../../../common/names";
import { asksForPages } from "../../target-groups/form/draft";
import { PendingTable } from "../../target-groups/form/PendingTable";
import { plannedCalls } from "./draft";
import type { StepProps } from "./step";

/** Step 4: everything once more, each part with the way back to it, and the calls that Create makes. */
export function ReviewStep({ draft, made, onEdit }: StepProps & { onEdit: (step: number) => void }) {
  const { t } = useTranslation("load-balancers");
  const { check } = draft.group;
  const item = (label: string, value: string): KeyValuePairsProps.Item => ({ label, value: value || t("common:none") });
  const section = (step: number, title: string, content: ReactNode) => (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button
              data-testid={`edit-${String(step)}`}
              ariaLabel={t("wizard.editStep", { title })}
              onClick={() => {
                onEdit(step);
              }}
            >
              {t("common:edit")}
            </Button>
          }
        >
          {title}
        </Header>
      }
    >
      {content}
    </Container>
  );
  return (
    <SpaceBetween size="l">
      {section(
        0,
        t("wizard.configure"),
        <KeyValuePairs
          columns={3}
          items={[
            item(t("wizard.name"), draft.name),
            item(t("ipAddressType"), t(`ipTypes.${draft.ipAddressType}`)),
            item("VPC", draft.vpc),
            ...Object.keys(draft.subnets)
              .sort()
              .map((zone) => item(zone, draft.subnets[zone] ?? "")),
            ...draft.tags.map((tag) => item(t("wizard.tag", { key: tag.Key }), tag.Value)),
          ]}
        />,
      )}
      {section(
        1,
        t("wizard.routing"),
        <KeyValuePairs
          columns={3}
          items={
            draft.routing === "existing"
              ? [item(t("targetGroup"), arnName(draft.existing))]
              : [
                  item(t("target-groups:groupName"), draft.group.name),
                  item(t("target-groups:targetType"), t(`target-groups:types.${draft.group.targetType}`)),
                  item(t("target-groups:protocolPort"), "GENEVE: 6081"),
                  item(t("target-groups:check.title"), `${check.protocol}: ${check.port}`),
                  ...(asksForPages(check)
                    ? [
                        item(t("target-groups:check.path"), check.path),
                        item(t("target-groups:check.codes"), check.codes),
                      ]
                    : []),
                  ...(["healthy", "unhealthy", "timeout", "interval"] as const).map((name) =>
                    item(t(`target-groups:check.${name}`), check[name]),
                  ),
                ]
          }
        />,
      )}
      {section(2, t("wizard.targets"), <PendingTable pending={draft.targets} />)}
      <SpaceBetween size="xs">
        <Equivalent calls={plannedCalls(draft, made)} open />
        <Box color="text-body-secondary" fontSize="body-s">
          {t("wizard.commandsWhat")}
        </Box>
      </SpaceBetween>
    </SpaceBetween>
  );
}
