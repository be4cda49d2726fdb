import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** Pages are loaded when they are first shown: one that does not come, or that fails, leaves the rest of the console standing. */
export class PageBoundary extends Component<{ children: ReactNode }, { lost: boolean }> {
  override state = { lost: false };

  static getDerivedStateFromError() {
    return { lost: true };
  }

  override render() {
    return this.state.lost ? <Lost /> : this.props.children;
  }
}

function Lost() {
  const { t } = useTranslation("shell");
  return (
    <Alert
      type="error"
      header={t("lost")}
      action={
        <Button
          onClick={() => {
            window.location.reload();
          }}
        >
          {t("reload")}
        </Button>
      }
    >
      {t("lostText")}
    </Alert>
  );
}
