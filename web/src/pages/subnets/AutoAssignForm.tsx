import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";

export function AutoAssignForm({ subnet, onClose }: { subnet: ec2.Subnet; onClose: () => void }) {
  const { t } = useTranslation("subnets");
  const [assign, setAssign] = useState(subnet.MapPublicIpOnLaunch ?? false);
  const parameters = { SubnetId: subnet.SubnetId ?? "", MapPublicIpOnLaunch: { Value: assign } };
  const form = useSubmit((call) => call("ec2", "ModifySubnetAttribute", parameters), onClose);
  return (
    <EditModal
      title={t("edit")}
      testId="subnet-settings-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={[{ service: "ec2", operation: "ModifySubnetAttribute", parameters }]}
    >
      <FormField label={t("autoAssign")} description={t("autoAssignWhat")}>
        <Checkbox
          data-testid="auto-assign"
          checked={assign}
          onChange={({ detail }) => {
            setAssign(detail.checked);
          }}
        >
          {t("autoAssignEnable")}
        </Checkbox>
      </FormField>
    </EditModal>
  );
}
