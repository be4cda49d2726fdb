import Autosuggest from "@cloudscape-design/components/autosuggest";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../../api/http";
import type { Ends } from "./ends";
import { errorsOf, type Field, hasPorts, isOutside, type Typed } from "./question";

export interface ReachFormProps {
  typed: Typed;
  onTyped: (typed: Typed) => void;
  ends: Ends;
  error: AwsError | null;
  busy: boolean;
  onAsk: () => void;
}

/** Both ends, protocol and port. */
export function ReachForm({ typed, onTyped, ends, error, busy, onAsk }: ReachFormProps) {
  const { t } = useTranslation("reachability");
  const errors = errorsOf(error, typed);
  const put = (field: Field) => (value: string) => {
    onTyped({ ...typed, [field]: value.trim() });
  };
  const protocols = ["6", "17", "1", "58"].map((value) => ({ value, label: t(`protocol.${value}`) }));
  const internet = { label: t("group.internet"), options: ends.gateways };
  const instances = { label: t("group.instances"), options: ends.instances };
  const interfaces = { label: t("group.interfaces"), options: ends.interfaces };
  const suggest = (field: "source" | "destination", options: (typeof instances)[]) => (
    <FormField label={t(`field.${field}`)} description={t(`hint.${field}`)} errorText={errors.at(field)}>
      <Autosuggest
        value={typed[field]}
        placeholder={t(`example.${field}`)}
        options={options}
        enteredTextLabel={(value) => t("use", { value })}
        empty={t("noEnds")}
        data-testid={field}
        onChange={({ detail }) => {
          put(field)(detail.value);
        }}
      />
    </FormField>
  );
  return (
    <form
      data-testid="reachability-form"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk();
      }}
    >
      <Form
        actions={
          <Button
            variant="primary"
            loading={busy}
            disabled={typed.source === "" || typed.destination === ""}
            data-testid="submit"
          >
            {t("check")}
          </Button>
        }
      >
        <Container>
          <ColumnLayout columns={2}>
            {suggest("source", [internet, instances, interfaces])}
            {suggest("destination", [instances])}
            {isOutside(typed.source) && (
              <FormField
                label={t("field.source_address")}
                description={t("hint.source_address")}
                errorText={errors.at("source_address")}
              >
                <Input
                  value={typed.source_address}
                  placeholder="192.0.2.1"
                  data-testid="source_address"
                  onChange={({ detail }) => {
                    put("source_address")(detail.value);
                  }}
                />
              </FormField>
            )}
            <FormField label={t("field.protocol")} errorText={errors.at("protocol")}>
              <Select
                options={protocols}
                selectedOption={protocols.find((one) => one.value === typed.protocol) ?? { value: typed.protocol }}
                data-testid="protocol"
                onChange={({ detail }) => {
                  put("protocol")(detail.selectedOption.value ?? "");
                }}
              />
            </FormField>
            {hasPorts(typed.protocol) && (
              <FormField label={t("field.destination_port")} errorText={errors.at("destination_port")}>
                <Input
                  value={typed.destination_port}
                  placeholder="443"
                  inputMode="numeric"
                  data-testid="destination_port"
                  onChange={({ detail }) => {
                    put("destination_port")(detail.value);
                  }}
                />
              </FormField>
            )}
          </ColumnLayout>
        </Container>
      </Form>
    </form>
  );
}
