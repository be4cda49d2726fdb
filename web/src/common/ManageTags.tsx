import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "./EditModal";
import { TagFields } from "./TagFields";
import { type Tag, tagChanges } from "./tags";
import { useSubmit } from "./useCalls";

/** Writes and removes tags of one EC2 resource, in as many calls as that takes. */
export function ManageTags({ id, before, onClose }: { id: string; before: readonly Tag[]; onClose: () => void }) {
  const { t } = useTranslation("tags");
  const [tags, setTags] = useState<Tag[]>([...before]);
  const changes = tagChanges(before, tags);
  const put = { Resources: [id], Tags: changes.put };
  const remove = { Resources: [id], Tags: changes.remove };
  const form = useSubmit(async (call) => {
    if (changes.put.length > 0) await call("ec2", "CreateTags", put);
    if (changes.remove.length > 0) await call("ec2", "DeleteTags", remove);
  }, onClose);
  return (
    <EditModal
      title={t("manage")}
      testId="tags-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={form.problem}
      calls={[
        ...(changes.put.length > 0 ? [{ service: "ec2", operation: "CreateTags", parameters: put }] : []),
        ...(changes.remove.length > 0 ? [{ service: "ec2", operation: "DeleteTags", parameters: remove }] : []),
      ]}
    >
      <TagFields tags={tags} onChange={setTags} />
    </EditModal>
  );
}
