import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useNotify } from "../../common/notify";
import { type Permissions, permissionChange } from "./permissions";

const RULES = { accounts: /InvalidAMIAttributeItemValue|UserId/ };

/** Public or private, and the accounts that may launch it besides its owner. */
export function PermissionsForm(props: { id: string; title: string; before: Permissions; onClose: () => void }) {
  const { t } = useTranslation("images");
  const notify = useNotify();
  const [before] = useState(props.before);
  const [isPublic, setPublic] = useState(before.isPublic);
  const [accounts, setAccounts] = useState(before.accounts);
  const modify = useAwsAction("ec2", "ModifyImageAttribute");
  const LaunchPermission = permissionChange(before, { isPublic, accounts });
  const parameters = LaunchPermission && { ImageId: props.id, LaunchPermission };
  const errors = fieldErrors(modify.error, RULES);
  const problem = errors.at("accounts");
  return (
    <EditModal
      title={props.title}
      busy={modify.isPending}
      error={errors.rest}
      calls={parameters ? [{ service: "ec2", operation: "ModifyImageAttribute", parameters }] : []}
      testId="permissions-form"
      onClose={props.onClose}
      onSubmit={() => {
        if (!parameters) {
          props.onClose();
          return;
        }
        modify.mutate(parameters, {
          onSuccess: () => {
            notify.success(t("permissions.done", { id: props.id }));
            props.onClose();
          },
        });
      }}
    >
      <FormField label={t("permissions.availability")}>
        <RadioGroup
          value={isPublic ? "public" : "private"}
          items={[
            { value: "public", label: t("public"), description: t("permissions.publicHint") },
            { value: "private", label: t("private"), description: t("permissions.privateHint") },
          ]}
          onChange={({ detail }) => {
            setPublic(detail.value === "public");
          }}
        />
      </FormField>
      <FormField label={t("permissions.accounts")} description={t("permissions.accountsHint")} errorText={problem}>
        <AttributeEditor
          data-testid="accounts"
          items={accounts}
          empty={t("permissions.nobody")}
          addButtonText={t("permissions.add")}
          removeButtonText={t("permissions.remove")}
          removeButtonAriaLabel={(one) => t("permissions.removeThis", { account: one })}
          onAddButtonClick={() => {
            setAccounts([...accounts, ""]);
          }}
          onRemoveButtonClick={({ detail }) => {
            setAccounts(accounts.filter((_, row) => row !== detail.itemIndex));
          }}
          definition={[
            {
              label: t("permissions.account"),
              control: (one, row) => (
                <Input
                  value={one}
                  inputMode="numeric"
                  ariaLabel={t("permissions.account")}
                  placeholder="123456789012"
                  onChange={({ detail }) => {
                    setAccounts(accounts.map((other, at) => (at === row ? detail.value : other)));
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
