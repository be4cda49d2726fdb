import Icon from "@cloudscape-design/components/icon";
import type { Sorting } from "./virtualSort";
import type { VirtualColumn } from "./VirtualGrid";

/** The headers, which stay in sight; a click sorts. */
export function VirtualHead<T>({
  columns,
  sorting,
  onSort,
}: {
  columns: readonly VirtualColumn<T>[];
  sorting: Sorting | null;
  onSort: (column: string) => void;
}) {
  return (
    <div role="rowgroup" className="virtual-head">
      <div role="row" aria-rowindex={1} className="virtual-row">
        {columns.map(({ id, header, sortingValue, align }) => {
          const sorted = sorting?.column === id;
          const order = sorting?.descending ? "descending" : "ascending";
          return (
            <div
              key={id}
              role="columnheader"
              className={`virtual-cell ${align ?? ""}`}
              aria-sort={sorted ? order : sortingValue && "none"}
            >
              {sortingValue ? (
                <button
                  type="button"
                  title={header}
                  onClick={() => {
                    onSort(id);
                  }}
                >
                  {header}{" "}
                  <Icon
                    size="small"
                    name={sorted ? (sorting.descending ? "caret-down-filled" : "caret-up-filled") : "caret-down"}
                  />
                </button>
              ) : (
                <span title={header}>{header}</span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
