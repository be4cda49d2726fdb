import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../api/http";
import { type Call, Equivalent } from "./Equivalent";
import { ErrorAlert } from "./ErrorAlert";

/** A short form in a dialog: stays open with what was typed when the server refuses. */
export function EditModal(props: {
  title: string;
  submitText?: string;
  onSubmit: () => void;
  onClose: () => void;
  busy: boolean;
  error: AwsError | null;
  calls: readonly Call[];
  testId: string;
  children: ReactNode;
}) {
  const { t } = useTranslation("common");
  return (
    <Modal
      visible
      header={props.title}
      onDismiss={props.onClose}
      data-testid={props.testId}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={props.onClose}>
              {t("cancel")}
            </Button>
            <Button variant="primary" loading={props.busy} onClick={props.onSubmit} data-testid="submit">
              {props.submitText ?? t("save")}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!props.busy) props.onSubmit();
        }}
      >
        <SpaceBetween size="m">
          {props.children}
          <Equivalent calls={props.calls} />
          {props.error && <ErrorAlert error={props.error} />}
        </SpaceBetween>
      </form>
    </Modal>
  );
}
