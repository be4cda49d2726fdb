import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import { useTranslation } from "react-i18next";
import { type AwsError, UNREACHABLE } from "../api/http";

/** AWS's code, message and request id; for errors that no field caused. */
export function ErrorAlert({ error }: { error: AwsError }) {
  const { t } = useTranslation("common");
  if (error.code === UNREACHABLE) return <Alert type="error" header={t("unreachable")} />;
  return (
    <Alert type="error" header={error.code} data-testid="error">
      {error.message}
      {error.requestId && (
        <Box color="text-body-secondary" fontSize="body-s">
          {t("requestId")} {error.requestId}
        </Box>
      )}
    </Alert>
  );
}
