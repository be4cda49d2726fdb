import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input, { type InputProps } from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type SubmitEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../i18n/format";
import { ErrorAlert } from "./ErrorAlert";
import { fieldErrors } from "./fieldErrors";
import { useCapture } from "./useCapture";

const FIELDS = { seconds: /^seconds:/, packets: /^packets:/, host: /^host:/ };

/** How long, how many packets, which address; then the download with what it has so far, or the server's error. */
export function CaptureForm({ port, host, onClose }: { port: string; host: string; onClose: () => void }) {
  const { t } = useTranslation(["capture", "common"]);
  const format = useFormat();
  const form = useId();
  const [asked, setAsked] = useState({ seconds: "5", packets: "1000", host });
  const { running, saved, error, start, cancel } = useCapture();
  const errors = fieldErrors(error, FIELDS);
  const close = () => {
    cancel();
    onClose();
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    start({ port, ...asked });
  };
  const field = (name: keyof typeof asked, input: Partial<InputProps>) => (
    <FormField label={t(`${name}.label`)} description={t(`${name}.description`)} errorText={errors.at(name)}>
      <Input
        {...input}
        value={asked[name]}
        disabled={running !== null}
        data-testid={name}
        onChange={({ detail }) => {
          setAsked({ ...asked, [name]: detail.value });
        }}
      />
    </FormField>
  );
  return (
    <Modal
      visible
      header={t("of", { port })}
      closeAriaLabel={t("common:close")}
      onDismiss={close}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>
              {saved ? t("common:close") : t("common:cancel")}
            </Button>
            <Button
              variant="primary"
              formAction="submit"
              form={form}
              loading={running !== null}
              loadingText={t("running")}
              data-testid="submit"
            >
              {t("start")}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id={form} onSubmit={submit} data-testid="capture-form">
        <SpaceBetween size="m">
          {errors.rest && <ErrorAlert error={errors.rest} />}
          {field("seconds", { type: "number", inputMode: "decimal" })}
          {field("packets", { type: "number", inputMode: "numeric" })}
          {field("host", { placeholder: "10.0.0.5" })}
          {running && (
            <ProgressBar
              label={t("running")}
              value={Math.min(100, (100 * running.elapsed) / running.seconds)}
              description={t("upTo", { seconds: format.number(running.seconds) })}
            />
          )}
          {saved && (
            <ProgressBar
              label={t("done")}
              value={100}
              status="success"
              resultText={t("saved", { name: saved.name, bytes: format.bytes(saved.bytes) })}
            />
          )}
        </SpaceBetween>
      </form>
    </Modal>
  );
}
