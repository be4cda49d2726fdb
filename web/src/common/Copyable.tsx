import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import { useTranslation } from "react-i18next";

/** A text with the button that copies it. */
export function Copyable({ text, testId }: { text: string; testId?: string }) {
  const { t } = useTranslation("common");
  return (
    <CopyToClipboard
      variant="inline"
      data-testid={testId}
      textToCopy={text}
      copyButtonAriaLabel={t("copy")}
      copySuccessText={t("copied")}
      copyErrorText={t("copyFailed")}
    />
  );
}
