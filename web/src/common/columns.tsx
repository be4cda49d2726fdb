import type { TableProps } from "@cloudscape-design/components/table";
import type { ReactNode } from "react";

/** A column of texts, sorted as texts with numbers in them are read; `cell` where more than the text is shown. */
export function textColumn<T>(
  id: string,
  header: string,
  text: (item: T) => string | undefined,
  cell?: (item: T) => ReactNode,
): TableProps.ColumnDefinition<T> {
  return {
    id,
    header,
    cell: (item) => cell?.(item) ?? (text(item) || "–"),
    sortingComparator: (one, other) =>
      (text(one) ?? "").localeCompare(text(other) ?? "", undefined, { numeric: true, sensitivity: "base" }),
    minWidth: 110,
  };
}
