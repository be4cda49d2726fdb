import FormField from "@cloudscape-design/components/form-field";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useSubmit } from "../../common/useCalls";
import { VpcSelect } from "../../common/VpcSelect";

export function AttachForm({ gateway, onClose }: { gateway: string; onClose: () => void }) {
  const { t } = useTranslation("internet-gateways");
  const [vpc, setVpc] = useState("");
  const parameters = { InternetGatewayId: gateway, VpcId: vpc };
  const form = useSubmit((call) => call("ec2", "AttachInternetGateway", parameters), onClose);
  const errors = fieldErrors(form.problem, { vpc: /vpc|network/i });
  return (
    <EditModal
      title={t("attach.title")}
      submitText={t("attach.submit")}
      testId="attach-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "AttachInternetGateway", parameters }]}
    >
      <FormField label={t("attach.vpcs")} description={t("attach.what")} errorText={errors.at("vpc")}>
        <VpcSelect value={vpc} onChange={setVpc} />
      </FormField>
    </EditModal>
  );
}
