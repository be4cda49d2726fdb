import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { textColumn } from "./columns";
import { ManageTags } from "./ManageTags";
import { ResourceTable } from "./ResourceTable";
import { type Tag, tagList } from "./tags";

/** The tab "Tags" of a resource: EC2's id, or an ARN of Elastic Load Balancing. */
export function TagsPanel({
  id,
  tags,
}: {
  id: string;
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined;
}) {
  const { t } = useTranslation("tags");
  const [editing, setEditing] = useState(false);
  const listed = tagList(tags);
  return (
    <>
      <ResourceTable<Tag>
        title={t("title")}
        variant="container"
        items={listed}
        loading={false}
        id={(tag) => tag.Key}
        columns={[textColumn("key", t("key"), (tag) => tag.Key), textColumn("value", t("value"), (tag) => tag.Value)]}
        empty={{ title: t("none") }}
        actions={
          <Button
            data-testid="manage-tags"
            onClick={() => {
              setEditing(true);
            }}
          >
            {t("manage")}
          </Button>
        }
      />
      {editing && (
        <ManageTags
          id={id}
          before={listed}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </>
  );
}
