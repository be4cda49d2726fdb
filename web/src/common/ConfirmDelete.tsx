import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../api/http";
import { ErrorAlert } from "./ErrorAlert";

/** Asks once more before something is taken away; stays open and shows the error when the server refuses. */
export function ConfirmDelete({
  title,
  names,
  onConfirm,
  onClose,
}: {
  title: string;
  names: readonly string[];
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}) {
  const { t } = useTranslation("common");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<AwsError | null>(null);
  const confirm = () => {
    setBusy(true);
    onConfirm().then(onClose, (refused: AwsError) => {
      setProblem(refused);
      setBusy(false);
    });
  };
  return (
    <Modal
      visible
      header={title}
      onDismiss={onClose}
      data-testid="confirm-delete"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button variant="primary" loading={busy} onClick={confirm} data-testid="confirm">
              {t("delete")}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="s">
        {problem && <ErrorAlert error={problem} />}
        <Box>{t("deleteWarning")}</Box>
        <ul>
          {names.map((name) => (
            <li key={name}>{name}</li>
          ))}
        </ul>
      </SpaceBetween>
    </Modal>
  );
}
