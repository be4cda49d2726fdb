import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import { useTranslation } from "react-i18next";

/** A command as it is typed, with a button that copies it. */
export function CommandText({ text }: { text: string }) {
  const { t } = useTranslation("common");
  return (
    <div className="command">
      <pre>{text}</pre>
      <CopyToClipboard
        variant="icon"
        copyButtonAriaLabel={t("copy")}
        copySuccessText={t("copied")}
        copyErrorText={t("copyFailed")}
        textToCopy={text}
      />
    </div>
  );
}
