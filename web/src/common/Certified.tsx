import Box from "@cloudscape-design/components/box";
import Popover from "@cloudscape-design/components/popover";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import type { CertificationRow } from "../generated/read-api";
import { useFormat } from "../i18n/format";

/** What `gwlb certify` found of an image; the checks that failed behind a click. */
export function Certified({ result }: { result: CertificationRow | null | undefined }) {
  const { t } = useTranslation("certify");
  const format = useFormat();
  if (!result) return <StatusIndicator type="stopped">{t("never")}</StatusIndicator>;
  const count = result.passed + result.failed + result.skipped;
  const values = { count, passed: result.passed, failed: result.failed, skipped: result.skipped };
  const said = (
    <StatusIndicator type={result.failed > 0 ? "warning" : "success"}>
      {result.failed > 0 ? t("withFailures") : t("passed")}
    </StatusIndicator>
  );
  const counts = (
    <Box color="text-body-secondary" fontSize="body-s">
      {t("result", { ...values, date: format.date(result.at * 1000) })}
    </Box>
  );
  if (result.failed === 0)
    return (
      <>
        {said}
        {counts}
      </>
    );
  return (
    <>
      <Popover
        header={t("failed")}
        dismissAriaLabel={t("common:close")}
        content={result.failed_checks.join(", ")}
        triggerType="text"
        wrapTriggerText
      >
        {said}
      </Popover>
      {counts}
    </>
  );
}
