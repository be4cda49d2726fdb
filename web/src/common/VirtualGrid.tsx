import {
  colorBackgroundContainerContent,
  colorBackgroundItemSelected,
  colorBorderDividerDefault,
  colorBorderItemFocused,
  colorTextBodyDefault,
  colorTextHeadingSecondary,
  colorTextLinkDefault,
} from "@cloudscape-design/design-tokens";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type KeyboardEvent, type ReactNode, useId, useMemo, useRef, useState } from "react";
import { VirtualHead } from "./VirtualHead";
import { VirtualRow } from "./VirtualRow";
import { movedRow, sortedBy, type Sorting, type SortKey, toggled } from "./virtualSort";
import "./virtualTable.css";

const ROW = 40;
const OVERSCAN = 8;

export interface VirtualColumn<T> {
  id: string;
  header: string;
  cell: (item: T) => ReactNode;
  /** By what a click on the header sorts; without it the column has no order. */
  sortingValue?: (item: T) => SortKey;
  /** Pixels at least; what the window has beyond is shared out in this proportion. */
  width: number;
  /** Numbers stand at the end. */
  align?: "start" | "end";
}

export interface VirtualGridProps<T> {
  /** What the table is called for screen readers. */
  title: string;
  /** Module constants or memoised: a new array draws every row anew. */
  columns: readonly VirtualColumn<T>[];
  items: readonly T[];
  /** What identifies a row. */
  id: (item: T) => string;
  empty: ReactNode;
  selected?: string | null;
  onSelect?: (item: T) => void;
  defaultSorting?: Sorting;
  /** CSS height of the scrolling part. */
  height?: string;
  testId?: string;
}

const COLOURS = {
  "--virtual-border": colorBorderDividerDefault,
  "--virtual-background": colorBackgroundContainerContent,
  "--virtual-selected": colorBackgroundItemSelected,
  "--virtual-focus": colorBorderItemFocused,
  "--virtual-text": colorTextBodyDefault,
  "--virtual-heading": colorTextHeadingSecondary,
  "--virtual-link": colorTextLinkDefault,
};

/**
 * A list of any length: only the rows in sight are in the document. Looks like Cloudscape's table, which draws all rows.
 *
 * Arrow keys, Page Up and Down, Home and End move the active row, Enter or the space bar selects it.
 */
export function VirtualGrid<T>(props: VirtualGridProps<T>) {
  const { columns, items, id, onSelect } = props;
  const [sorting, setSorting] = useState<Sorting | null>(props.defaultSorting ?? null);
  const [active, setActive] = useState(-1);
  const scroller = useRef<HTMLDivElement>(null);
  const name = useId();

  const rows = useMemo(() => {
    const key = sorting && columns.find((column) => column.id === sorting.column)?.sortingValue;
    return sorting && key ? sortedBy(items, key, sorting.descending) : items;
  }, [items, columns, sorting]);

  // React's compiler is not used here, which is what this rule guards: the virtualizer's functions change what they return.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    scrollPaddingStart: ROW,
  });

  const select = (row: number) => {
    const item = rows[row];
    if (item === undefined) return;
    setActive(row);
    onSelect?.(item);
  };
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW) / ROW) - 2);
    const moved = movedRow(event.key, active, rows.length, page);
    if (moved !== null) {
      setActive(moved);
      virtual.scrollToIndex(moved);
    } else if (event.key === "Enter" || event.key === " ") select(active);
    else return;
    event.preventDefault();
  };

  const style = {
    ...COLOURS,
    "--virtual-columns": columns.map(({ width }) => `minmax(${String(width)}px, ${String(width)}fr)`).join(" "),
    "--virtual-inline": `${String(columns.reduce((sum, column) => sum + column.width, 24))}px`,
    "--virtual-height": props.height ?? "calc(100dvh - 330px)",
  } as CSSProperties;
  return (
    <div
      ref={scroller}
      className="virtual-table"
      style={style}
      role="grid"
      tabIndex={0}
      aria-label={props.title}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={active >= 0 && active < rows.length ? `${name}-${String(active)}` : undefined}
      data-testid={props.testId}
      onKeyDown={press}
    >
      <VirtualHead
        columns={columns}
        sorting={sorting}
        onSort={(column) => {
          setSorting((now) => toggled(now, column));
        }}
      />
      {rows.length === 0 && <div className="virtual-empty">{props.empty}</div>}
      <div
        className="virtual-body"
        role="rowgroup"
        style={{ blockSize: virtual.getTotalSize() }}
        onClick={({ target }) => {
          const row = target instanceof Element && target.closest<HTMLElement>("[data-index]");
          if (row) select(Number(row.dataset.index));
        }}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const item = rows[index];
          if (item === undefined) return null;
          return (
            <VirtualRow
              key={index}
              elementId={`${name}-${String(index)}`}
              index={index}
              start={start}
              height={ROW}
              item={item}
              columns={columns}
              active={index === active}
              selected={props.selected != null && id(item) === props.selected}
            />
          );
        })}
      </div>
    </div>
  );
}
