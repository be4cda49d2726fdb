import { useState } from "react";

/** The selected rows of a list, by id: they stay selected when the list is asked anew, with what it says now. */
export function useSelected<T>(items: readonly T[] | undefined, id: (item: T) => string) {
  const [ids, setIds] = useState<readonly string[]>([]);
  const selected = (items ?? []).filter((item) => ids.includes(id(item)));
  const onSelect = (chosen: T[]) => {
    setIds(chosen.map(id));
  };
  return { selected, onSelect, only: selected.length === 1 ? selected[0] : undefined };
}
