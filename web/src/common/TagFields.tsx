import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";
import { useTranslation } from "react-i18next";
import type { Tag } from "./tags";

/** Rows of key and value. */
export function TagFields({ tags, onChange }: { tags: readonly Tag[]; onChange: (tags: Tag[]) => void }) {
  const { t } = useTranslation("tags");
  const change = (at: number, part: Partial<Tag>) => {
    onChange(tags.map((tag, row) => (row === at ? { ...tag, ...part } : tag)));
  };
  return (
    <AttributeEditor
      data-testid="tags"
      items={tags}
      empty={t("none")}
      addButtonText={t("add")}
      removeButtonText={t("remove")}
      removeButtonAriaLabel={(tag) => t("removeThis", { key: tag.Key })}
      onAddButtonClick={() => {
        onChange([...tags, { Key: "", Value: "" }]);
      }}
      onRemoveButtonClick={({ detail }) => {
        onChange(tags.filter((_, row) => row !== detail.itemIndex));
      }}
      definition={[
        {
          label: t("key"),
          control: (tag, row) => (
            <Input
              value={tag.Key}
              ariaLabel={t("key")}
              onChange={({ detail }) => {
                change(row, { Key: detail.value });
              }}
            />
          ),
        },
        {
          label: t("value"),
          control: (tag, row) => (
            <Input
              value={tag.Value}
              ariaLabel={t("value")}
              onChange={({ detail }) => {
                change(row, { Value: detail.value });
              }}
            />
          ),
        },
      ]}
    />
  );
}
