import ButtonDropdown, { type ButtonDropdownProps } from "@cloudscape-design/components/button-dropdown";
import { useTranslation } from "react-i18next";

export interface Action {
  id: string;
  text: string;
  disabled?: boolean;
  /** Why it is disabled. */
  reason?: string;
  run: () => void;
}

/** The menu "Actions" of a list or a detail page. Its items can be found by their id as test id. */
export function Actions({ items, disabled = false }: { items: readonly Action[]; disabled?: boolean }) {
  const { t } = useTranslation("common");
  return (
    <ButtonDropdown
      data-testid="actions"
      disabled={disabled}
      expandToViewport
      items={items.map((item): ButtonDropdownProps.Item => ({
        id: item.id,
        text: item.text,
        disabled: item.disabled,
        disabledReason: item.reason,
      }))}
      onItemClick={({ detail }) => {
        items.find((item) => item.id === detail.id)?.run();
      }}
    >
      {t("actions")}
    </ButtonDropdown>
  );
}
