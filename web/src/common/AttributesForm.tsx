import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AttributeOperation } from "./AttributesPanel";
import { attributeKey, changedAttributes, controlOf, faultyKey, type Values } from "./attributes";
import { EditModal } from "./EditModal";
import { fieldErrors } from "./fieldErrors";
import { type Caller, useSubmit } from "./useCalls";

type Changes = { Key: string; Value: string }[];

function modify(call: Caller, operation: AttributeOperation, arn: string, Attributes: Changes): Promise<unknown> {
  switch (operation) {
    case "ModifyLoadBalancerAttributes":
      return call("elbv2", operation, { LoadBalancerArn: arn, Attributes });
    case "ModifyTargetGroupAttributes":
      return call("elbv2", operation, { TargetGroupArn: arn, Attributes });
    case "ModifyListenerAttributes":
      return call("elbv2", operation, { ListenerArn: arn, Attributes });
  }
}

const MEMBER: Record<AttributeOperation, string> = {
  ModifyLoadBalancerAttributes: "LoadBalancerArn",
  ModifyTargetGroupAttributes: "TargetGroupArn",
  ModifyListenerAttributes: "ListenerArn",
};

/** A field for each of AWS's keys; what differs is sent in one call. */
export function AttributesForm({
  arn,
  operation,
  before,
  onClose,
}: {
  arn: string;
  operation: AttributeOperation;
  before: Values;
  onClose: () => void;
}) {
  const { t } = useTranslation("attributes");
  const [values, setValues] = useState(before);
  const changes = changedAttributes(before, values);
  const form = useSubmit(async (call) => {
    if (changes.length > 0) await modify(call, operation, arn, changes);
  }, onClose);
  const faulty = form.problem ? faultyKey(form.problem.message, Object.keys(before)) : undefined;
  const errors = fieldErrors<"faulty">(form.problem, faulty === undefined ? {} : { faulty: /./ });
  return (
    <EditModal
      title={t("edit")}
      testId="attributes-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={
        changes.length === 0
          ? []
          : [{ service: "elbv2", operation, parameters: { [MEMBER[operation]]: arn, Attributes: changes } }]
      }
    >
      {Object.keys(before).map((key) => (
        <AttributeField
          key={key}
          name={key}
          before={before[key] ?? ""}
          value={values[key] ?? ""}
          errorText={key === faulty ? errors.at("faulty") : undefined}
          onChange={(value) => {
            setValues((now) => ({ ...now, [key]: value }));
          }}
        />
      ))}
    </EditModal>
  );
}

function AttributeField({
  name,
  before,
  value,
  errorText,
  onChange,
}: {
  name: string;
  before: string;
  value: string;
  errorText: string | undefined;
  onChange: (value: string) => void;
}) {
  const { t } = useTranslation("attributes");
  const control = controlOf(name, before);
  const label = t(`keys.${attributeKey(name)}.label`, { defaultValue: name });
  return (
    <FormField
      label={control.kind === "switch" ? undefined : label}
      description={t(`keys.${attributeKey(name)}.what`, { defaultValue: "" })}
      errorText={errorText}
    >
      {control.kind === "switch" && (
        <Toggle
          data-testid={name}
          checked={value === "true"}
          onChange={({ detail }) => {
            onChange(String(detail.checked));
          }}
        >
          {label}
        </Toggle>
      )}
      {control.kind === "choice" && (
        <RadioGroup
          data-testid={name}
          ariaLabel={label}
          value={value}
          items={control.values.map((one) => ({ value: one, label: t(`values.${one}`) }))}
          onChange={({ detail }) => {
            onChange(detail.value);
          }}
        />
      )}
      {(control.kind === "seconds" || control.kind === "text") && (
        <Input
          data-testid={name}
          type={control.kind === "seconds" ? "number" : "text"}
          value={value}
          onChange={({ detail }) => {
            onChange(detail.value);
          }}
        />
      )}
    </FormField>
  );
}
