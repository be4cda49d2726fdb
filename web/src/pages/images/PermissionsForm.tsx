import FormField from "@cloudscape-design/components/form-field";
import Textarea from "@cloudscape-design/components/textarea";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors, type FieldRules } from "../../common/fieldErrors";
import { useSubmit } from "../../common/useCalls";
import { accountsIn, type Allowed, changed } from "./permissions";

const RULES: FieldRules<"accounts"> = { accounts: /InvalidAMIAttributeItemValue/ };

/** Edit launch permissions: everybody, or accounts by their numbers. */
export function PermissionsForm({ image, allowed, onClose }: { image: string; allowed: Allowed; onClose: () => void }) {
  const { t } = useTranslation("images");
  const [everyone, setEveryone] = useState(allowed.everyone);
  const [text, setText] = useState(allowed.accounts.join("\n"));
  const permission = changed(allowed, { everyone, accounts: accountsIn(text) });
  const input = permission && { ImageId: image, Attribute: "launchPermission", LaunchPermission: permission };
  const form = useSubmit(async (call) => {
    if (input) await call("ec2", "ModifyImageAttribute", input);
  }, onClose);
  const errors = fieldErrors(form.problem, RULES);
  return (
    <EditModal
      title={t("permissions.edit")}
      testId="permissions-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={errors.rest}
      calls={input ? [{ service: "ec2", operation: "ModifyImageAttribute", parameters: input }] : []}
    >
      <Toggle
        data-testid="everyone"
        checked={everyone}
        onChange={({ detail }) => {
          setEveryone(detail.checked);
        }}
      >
        {t("permissions.everyone")}
      </Toggle>
      <FormField
        label={t("permissions.accounts")}
        description={t("permissions.accountsHow")}
        errorText={errors.at("accounts")}
      >
        <Textarea
          data-testid="accounts-field"
          value={text}
          rows={3}
          onChange={({ detail }) => {
            setText(detail.value);
          }}
        />
      </FormField>
    </EditModal>
  );
}
