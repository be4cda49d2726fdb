import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import { textColumn } from "../../../common/columns";
import { ResourceTable } from "../../../common/ResourceTable";
import type { Pending } from "./pending";

/** What is going to be registered. */
export function PendingTable({
  pending,
  onChange,
}: {
  pending: readonly Pending[];
  onChange?: (pending: Pending[]) => void;
}) {
  const { t } = useTranslation("target-groups");
  const zone = (one: Pending) => (one.zone === "all" ? t("register.allZones") : one.zone);
  return (
    <ResourceTable<Pending>
      title={t("register.pending")}
      testId="pending"
      variant="container"
      items={pending}
      loading={false}
      id={(one) => one.id}
      empty={{ title: t("register.nonePending"), description: t("register.nonePendingWhat") }}
      columns={[
        textColumn("id", t("target"), (one) => one.id),
        textColumn("note", t("register.name"), (one) => one.note),
        textColumn("zone", t("register.zone"), zone),
        ...(onChange
          ? [
              {
                id: "remove",
                header: t("register.remove"),
                cell: (one: Pending) => (
                  <Button
                    variant="inline-icon"
                    iconName="close"
                    formAction="none"
                    ariaLabel={t("register.removeThis", { target: one.id })}
                    onClick={() => {
                      onChange(pending.filter((other) => other.id !== one.id));
                    }}
                  />
                ),
                minWidth: 90,
              },
            ]
          : []),
      ]}
    />
  );
}
