import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "./EditModal";
import { TagFields } from "./TagFields";
import { type Tag, tagCalls } from "./tags";
import { useSubmit } from "./useCalls";

/** Writes and removes tags of one resource (EC2's id, or an ARN of Elastic Load Balancing), in as many calls as that takes. */
export function ManageTags({ id, before, onClose }: { id: string; before: readonly Tag[]; onClose: () => void }) {
  const { t } = useTranslation("tags");
  const [tags, setTags] = useState<Tag[]>([...before]);
  const calls = tagCalls(id, before, tags);
  const form = useSubmit(async (call) => {
    for (const one of calls) {
      if (one.service === "elbv2") await call(one.service, one.operation, one.parameters);
      else await call(one.service, one.operation, one.parameters);
    }
  }, onClose);
  return (
    <EditModal
      title={t("manage")}
      testId="tags-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={form.problem}
      calls={calls}
    >
      <TagFields tags={tags} onChange={setTags} />
    </EditModal>
  );
}
