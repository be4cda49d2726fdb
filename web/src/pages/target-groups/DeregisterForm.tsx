import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useRead } from "../../api/read";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";
import type { PlanAnswer } from "../../generated/read-api";
import { knownLanguage } from "../../i18n";
import { useFormat } from "../../i18n/format";

/** Says what becomes of the live flows before it deregisters. */
export function DeregisterForm({
  group,
  targets,
  onClose,
}: {
  group: string;
  targets: readonly string[];
  onClose: () => void;
}) {
  const { t, i18n } = useTranslation("target-groups");
  const format = useFormat();
  const input = { TargetGroupArn: group, Targets: targets.map((Id) => ({ Id })) };
  const form = useSubmit((call) => call("elbv2", "DeregisterTargets", input), onClose);
  const plan = useRead<PlanAnswer>("plan", {
    change: "deregister",
    value: targets.join(","),
    target_group: group,
    language: knownLanguage(i18n.language),
  });
  return (
    <EditModal
      title={t("deregister")}
      submitText={t("deregister")}
      testId="deregister-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={form.problem}
      calls={[{ service: "elbv2", operation: "DeregisterTargets", parameters: input }]}
    >
      <Box>{format.list(targets)}</Box>
      {plan.error && <Alert type="info">{plan.error.message}</Alert>}
      {plan.data && (
        <SpaceBetween size="s">
          <KeyValuePairs
            columns={3}
            items={(["stay", "move", "break"] as const).map((fate) => ({
              label: t(`plan.${fate}`),
              value: <span data-testid={`plan-${fate}`}>{format.number(plan.data.summary[fate])}</span>,
            }))}
          />
          {plan.data.reasons.map((reason) => (
            <Box key={reason} color="text-body-secondary">
              {reason}
            </Box>
          ))}
        </SpaceBetween>
      )}
    </EditModal>
  );
}
