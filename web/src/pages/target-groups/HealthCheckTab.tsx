import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { Findings } from "../../common/Findings";
import { useSubmit } from "../../common/useCalls";
import type { elbv2 } from "../../generated/aws";
import { asksForPages, CHECK_RULES, checkDraftOf, checkParameters } from "./form/draft";
import { HealthCheckFields } from "./form/HealthCheckFields";
import { groupArn } from "./groups";

const SHOWN = ["protocol", "port", "healthy", "unhealthy", "timeout", "interval"] as const;

export function HealthCheckTab({ group }: { group: elbv2.TargetGroup }) {
  const { t } = useTranslation("target-groups");
  const [editing, setEditing] = useState(false);
  const check = checkDraftOf(group);
  const shown = asksForPages(check) ? [...SHOWN, "path" as const, "codes" as const] : SHOWN;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={t("check.what")}
          actions={
            <Button
              data-testid="edit-check"
              onClick={() => {
                setEditing(true);
              }}
            >
              {t("common:edit")}
            </Button>
          }
        >
          {t("check.title")}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Findings resource={groupArn(group)} field="HealthCheckProtocol" />
        <KeyValuePairs columns={3} items={shown.map((name) => ({ label: t(`check.${name}`), value: check[name] }))} />
      </SpaceBetween>
      {editing && (
        <CheckForm
          group={group}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </Container>
  );
}

function CheckForm({ group, onClose }: { group: elbv2.TargetGroup; onClose: () => void }) {
  const { t } = useTranslation("target-groups");
  const [check, setCheck] = useState(() => checkDraftOf(group));
  const input = { TargetGroupArn: groupArn(group), ...checkParameters(check) };
  const form = useSubmit((call) => call("elbv2", "ModifyTargetGroup", input), onClose);
  const errors = fieldErrors(form.problem, CHECK_RULES);
  return (
    <EditModal
      title={t("editCheck")}
      testId="check-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "elbv2", operation: "ModifyTargetGroup", parameters: input }]}
    >
      <HealthCheckFields
        check={check}
        open
        errorAt={errors.at}
        onChange={(part) => {
          setCheck((before) => ({ ...before, ...part }));
        }}
      />
    </EditModal>
  );
}
