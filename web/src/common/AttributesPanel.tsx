import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../api/http";
import { AttributesForm } from "./AttributesForm";
import { type Attribute, attributeKey, valuesOf } from "./attributes";
import { ErrorAlert } from "./ErrorAlert";
import { Findings } from "./Findings";

export type AttributeOperation =
  "ModifyLoadBalancerAttributes" | "ModifyTargetGroupAttributes" | "ModifyListenerAttributes";

/** The tab "Attributes": what AWS's Describe call lists, to be seen and edited. */
export function AttributesPanel({
  arn,
  operation,
  attributes,
  error,
}: {
  arn: string;
  operation: AttributeOperation;
  attributes: readonly Attribute[] | undefined;
  error: AwsError | null;
}) {
  const { t } = useTranslation("attributes");
  const [editing, setEditing] = useState(false);
  const values = valuesOf(attributes);
  const keys = Object.keys(values);
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button
              data-testid="edit-attributes"
              disabled={!attributes}
              onClick={() => {
                setEditing(true);
              }}
            >
              {t("common:edit")}
            </Button>
          }
        >
          {t("title")}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {error && <ErrorAlert error={error} />}
        <Findings resource={arn} field={keys} />
        <KeyValuePairs
          columns={2}
          items={keys.map((key) => ({
            label: t(`keys.${attributeKey(key)}.label`, { defaultValue: key }),
            value: <span data-testid={key}>{t(`values.${values[key] ?? ""}`, { defaultValue: values[key] })}</span>,
          }))}
        />
      </SpaceBetween>
      {editing && (
        <AttributesForm
          arn={arn}
          operation={operation}
          before={values}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </Container>
  );
}
