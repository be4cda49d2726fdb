import { memo, type ReactElement } from "react";
import type { VirtualColumn } from "./VirtualGrid";

interface VirtualRowProps<T> {
  elementId: string;
  index: number;
  /** Pixels from the list's beginning. */
  start: number;
  height: number;
  item: T;
  columns: readonly VirtualColumn<T>[];
  active: boolean;
  selected: boolean;
}

function Row<T>({ elementId, index, start, height, item, columns, active, selected }: VirtualRowProps<T>) {
  return (
    <div
      id={elementId}
      role="row"
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={`virtual-row ${active ? "active" : ""} ${selected ? "selected" : ""}`}
      style={{ transform: `translateY(${String(start)}px)`, blockSize: height }}
    >
      {columns.map((column) => (
        <div key={column.id} role="gridcell" className={`virtual-cell ${column.align ?? ""}`}>
          {column.cell(item)}
        </div>
      ))}
    </div>
  );
}

/** Scrolling draws only rows that come into sight. */
export const VirtualRow = memo(Row) as <T>(props: VirtualRowProps<T>) => ReactElement;
