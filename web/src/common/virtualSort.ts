/** Sorting of long lists: keys are taken once per row, and compared as numbers or code points, which 100,000 rows allow many times a minute. */

export type SortKey = string | number | null | undefined;

export interface Sorting {
  column: string;
  descending: boolean;
}

/** A new array in order; rows without a key come last either way, and equal rows keep their order. */
export function sortedBy<T>(items: readonly T[], key: (item: T) => SortKey, descending: boolean): T[] {
  const keyed = items.map((item, at) => ({ item, at, key: key(item) ?? null }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key === b.key) return a.at - b.at;
    if (a.key === null) return 1;
    if (b.key === null) return -1;
    return a.key < b.key ? -sign : sign;
  });
  return keyed.map((one) => one.item);
}

/** What a click on a column's header makes of the order: ascending first, then descending. */
export function toggled(now: Sorting | null, column: string): Sorting {
  return { column, descending: now?.column === column && !now.descending };
}

/** Where a key moves the active row; null when the key moves nothing. */
export function movedRow(key: string, active: number, count: number, page: number): number | null {
  if (count === 0) return null;
  const within = (row: number) => Math.max(0, Math.min(count - 1, row));
  switch (key) {
    case "ArrowDown":
      return within(active + 1);
    case "ArrowUp":
      return within(active - 1);
    case "PageDown":
      return within(active + page);
    case "PageUp":
      return within(active - page);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
