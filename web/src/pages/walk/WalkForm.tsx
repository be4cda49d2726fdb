import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../../api/http";
import { useRead } from "../../api/read";
import { fieldErrors } from "../../common/fieldErrors";
import type { LiveFlow } from "./answer";
import { type Field, flowName, ofFlow, type Typed, WAIT_S } from "./question";

const INPUTS: readonly Exclude<Field, "protocol">[] = ["endpoint", "client", "server", "port", "client_port"];
const RULES = {
  endpoint: /VpcEndpoint/,
  client_port: /^client_port:/,
  client: /^client:/,
  server: /^server:/,
  port: /^port:/,
  protocol: /^protocol:/,
};

export interface WalkFormProps {
  typed: Typed;
  onTyped: (typed: Typed) => void;
  error: AwsError | null;
  /** Seconds since it began to watch; null when it does not. */
  watching: number | null;
  onStart: (typed: Typed) => void;
  onStop: () => void;
}

/** A living flow to choose, or a connection to describe. */
export function WalkForm({ typed, onTyped, error, watching, onStart, onStop }: WalkFormProps) {
  const { t } = useTranslation(["walk", "common"]);
  const { data } = useRead<{ flows: LiveFlow[] }>("flows", { limit: 200 }, { everyMs: 5000 });
  const flows = data?.flows ?? [];
  const errors = fieldErrors(error, RULES);
  const protocols = ["", "6", "17", "1", "58"].map((value) => ({ value, label: t(`protocol.${value || "any"}`) }));
  return (
    <form
      data-testid="walk-form"
      onSubmit={(event) => {
        event.preventDefault();
        onStart(typed);
      }}
    >
      <Form
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {watching !== null && (
              <Button formAction="none" onClick={onStop}>
                {t("common:cancel")}
              </Button>
            )}
            <Button variant="primary" loading={watching !== null} data-testid="submit">
              {t("start")}
            </Button>
          </SpaceBetween>
        }
      >
        <Container>
          <SpaceBetween size="m">
            <FormField label={t("field.flow")} description={t("flowHint")}>
              <Select
                selectedOption={null}
                placeholder={t("flowPlaceholder", { count: flows.length })}
                empty={t("noFlows")}
                filteringType="auto"
                data-testid="flow"
                options={flows.map((flow, at) => ({
                  value: String(at),
                  label: flowName(flow),
                  description: flow.endpoint,
                }))}
                onChange={({ detail }) => {
                  const flow = flows[Number(detail.selectedOption.value)];
                  if (flow) onTyped(ofFlow(flow));
                }}
              />
            </FormField>
            <ColumnLayout columns={3}>
              {INPUTS.map((field) => (
                <FormField key={field} label={t(`field.${field}`)} errorText={errors.at(field)}>
                  <Input
                    value={typed[field]}
                    placeholder={t(`example.${field}`)}
                    data-testid={field}
                    onChange={({ detail }) => {
                      onTyped({ ...typed, [field]: detail.value.trim() });
                    }}
                  />
                </FormField>
              ))}
              <FormField label={t("field.protocol")} errorText={errors.at("protocol")}>
                <Select
                  options={protocols}
                  selectedOption={protocols.find((one) => one.value === typed.protocol) ?? { value: typed.protocol }}
                  data-testid="protocol"
                  onChange={({ detail }) => {
                    onTyped({ ...typed, protocol: detail.selectedOption.value ?? "" });
                  }}
                />
              </FormField>
            </ColumnLayout>
            {watching !== null && (
              <ProgressBar
                label={t("watching")}
                description={t("watchingHint")}
                value={Math.min(100, (watching / WAIT_S) * 100)}
              />
            )}
          </SpaceBetween>
        </Container>
      </Form>
    </form>
  );
}
