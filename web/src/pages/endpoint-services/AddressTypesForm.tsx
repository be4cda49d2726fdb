import FormField from "@cloudscape-design/components/form-field";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";
import { AddressTypes } from "./AddressTypes";
import { difference, given } from "./modifications";

const OPERATION = "ModifyVpcEndpointServiceConfiguration";

export function AddressTypesForm({ service, onClose }: { service: ec2.ServiceConfiguration; onClose: () => void }) {
  const { t } = useTranslation("endpoint-services");
  const before = service.SupportedIpAddressTypes ?? [];
  const [types, setTypes] = useState<readonly string[]>(before);
  const { add, remove } = difference(before, types);
  const parameters = {
    ServiceId: service.ServiceId ?? "",
    AddSupportedIpAddressTypes: given(add),
    RemoveSupportedIpAddressTypes: given(remove),
  };
  const form = useSubmit((call) => call("ec2", OPERATION, parameters), onClose);
  return (
    <EditModal
      title={t("modifyTypes")}
      testId="types-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={[{ service: "ec2", operation: OPERATION, parameters }]}
    >
      <FormField label={t("addressTypes")}>
        <AddressTypes chosen={types} onChange={setTypes} />
      </FormField>
    </EditModal>
  );
}
