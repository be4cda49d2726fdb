import ProgressBar from "@cloudscape-design/components/progress-bar";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import type { ImageProgress } from "../generated/read-api";
import { useFormat } from "../i18n/format";

/** How far an import is: a bar where the size is known, else how much came. */
export function ImageProgressBar({ progress }: { progress: ImageProgress | null }) {
  const { t } = useTranslation("certify");
  const format = useFormat();
  const stage = t(`stage.${progress?.stage ?? "starting"}`, { defaultValue: progress?.stage });
  if (!progress?.total) {
    const came = progress ? format.bytes(progress.done) : "";
    return (
      <StatusIndicator type="in-progress">
        {stage} {came}
      </StatusIndicator>
    );
  }
  return (
    <ProgressBar
      label={stage}
      value={(100 * progress.done) / progress.total}
      additionalInfo={`${format.bytes(progress.done)} / ${format.bytes(progress.total)}`}
    />
  );
}
