import Button from "@cloudscape-design/components/button";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import type { AwsError } from "../api/http";
import { type Action, Actions } from "./Actions";
import { ResourceTable, type ResourceTableProps } from "./ResourceTable";
import { useSelected } from "./useSelected";

interface ListPageProps<T> extends Pick<
  ResourceTableProps<T>,
  "title" | "items" | "id" | "columns" | "selection" | "testId"
> {
  /** The question whose answer has the items. */
  asked: { isPending: boolean; error: AwsError | null };
  /** With a description, the way to create the first one stands under it. */
  empty: { title: string; description?: string };
  create: { text: string; to: string };
  /** What can be done with the selected ones, before the deletion, which is the menu's last entry. */
  actions?: (selected: readonly T[]) => Action[];
  remove: { text: string; dialog: (selected: readonly T[], close: () => void) => ReactNode };
}

/** A list as AWS's console has it: choose, act, create, and be asked once more before something is deleted. */
export function ListPage<T>({ asked, empty, create, actions, remove, ...table }: ListPageProps<T>) {
  const navigate = useNavigate();
  const { selected, onSelect } = useSelected(table.items, table.id);
  const [deleting, setDeleting] = useState(false);
  const button = (
    <Button variant="primary" data-testid="create" onClick={() => void navigate(create.to)}>
      {create.text}
    </Button>
  );
  const ask = () => {
    setDeleting(true);
  };
  return (
    <>
      <ResourceTable<T>
        {...table}
        loading={asked.isPending}
        error={asked.error}
        selected={selected}
        onSelect={onSelect}
        empty={{ ...empty, action: empty.description && button }}
        actions={
          <>
            <Actions
              disabled={selected.length === 0}
              items={[...(actions?.(selected) ?? []), { id: "delete", text: remove.text, run: ask }]}
            />
            {button}
          </>
        }
      />
      {deleting &&
        selected.length > 0 &&
        remove.dialog(selected, () => {
          setDeleting(false);
        })}
    </>
  );
}
