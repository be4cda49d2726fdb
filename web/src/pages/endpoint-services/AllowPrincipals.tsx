import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useSubmit } from "../../common/useCalls";

const OPERATION = "ModifyVpcEndpointServicePermissions";

export function AllowPrincipals({ service, onClose }: { service: string; onClose: () => void }) {
  const { t } = useTranslation("endpoint-services");
  const [arns, setArns] = useState<readonly string[]>([""]);
  const parameters = {
    ServiceId: service,
    AddAllowedPrincipals: arns.map((one) => one.trim()).filter((one) => one !== ""),
  };
  const form = useSubmit((call) => call("ec2", OPERATION, parameters), onClose);
  const errors = fieldErrors(form.problem, { arns: /principal/i });
  return (
    <EditModal
      title={t("principals.allow")}
      submitText={t("principals.allow")}
      testId="principals-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: OPERATION, parameters }]}
    >
      <FormField
        label={t("principals.add")}
        description={t("principals.example")}
        errorText={errors.at("arns")}
        stretch
      >
        <AttributeEditor
          items={arns}
          addButtonText={t("principals.another")}
          removeButtonText={t("principals.drop")}
          onAddButtonClick={() => {
            setArns([...arns, ""]);
          }}
          onRemoveButtonClick={({ detail }) => {
            setArns(arns.filter((_, row) => row !== detail.itemIndex));
          }}
          definition={[
            {
              label: "ARN",
              control: (arn, row) => (
                <Input
                  data-testid={`principal-${String(row)}`}
                  ariaLabel="ARN"
                  value={arn}
                  placeholder="arn:aws:iam::123456789012:root"
                  onChange={({ detail }) => {
                    setArns(arns.map((one, at) => (at === row ? detail.value : one)));
                  }}
                />
              ),
            },
          ]}
        />
      </FormField>
    </EditModal>
  );
}
