import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";

const OPERATION = "ModifyVpcEndpointServiceConfiguration";

export function AcceptanceForm({ service, onClose }: { service: ec2.ServiceConfiguration; onClose: () => void }) {
  const { t } = useTranslation("endpoint-services");
  const [acceptance, setAcceptance] = useState(service.AcceptanceRequired ?? true);
  const parameters = { ServiceId: service.ServiceId ?? "", AcceptanceRequired: acceptance };
  const form = useSubmit((call) => call("ec2", OPERATION, parameters), onClose);
  return (
    <EditModal
      title={t("modifyAcceptance")}
      testId="acceptance-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={[{ service: "ec2", operation: OPERATION, parameters }]}
    >
      <FormField label={t("requireAcceptance")} description={t("requireAcceptanceWhat")}>
        <Checkbox
          data-testid="acceptance"
          checked={acceptance}
          onChange={({ detail }) => {
            setAcceptance(detail.checked);
          }}
        >
          {t("acceptanceRequired")}
        </Checkbox>
      </FormField>
    </EditModal>
  );
}
