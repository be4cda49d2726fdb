import FormField from "@cloudscape-design/components/form-field";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { inBase64 } from "./instances";

const RULES = { userData: /user ?data/i };

export function EditUserData({ id, before, onClose }: { id: string; before: string; onClose: () => void }) {
  const { t } = useTranslation("instances");
  const [text, setText] = useState(before);
  const modify = useAwsAction("ec2", "ModifyInstanceAttribute");
  const parameters = { InstanceId: id, UserData: { Value: inBase64(text) } };
  const errors = fieldErrors(modify.error, RULES);
  return (
    <EditModal
      title={t("userData.edit")}
      busy={modify.isPending}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "ModifyInstanceAttribute", parameters }]}
      testId="user-data-form"
      onClose={onClose}
      onSubmit={() => {
        modify.mutate(parameters, { onSuccess: onClose });
      }}
    >
      <FormField label={t("launch.userData")} errorText={errors.at("userData")} stretch>
        <Textarea
          value={text}
          rows={10}
          data-testid="userData"
          spellcheck={false}
          onChange={({ detail }) => {
            setText(detail.value);
          }}
        />
      </FormField>
    </EditModal>
  );
}
