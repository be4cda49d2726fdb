/** Images of the marketplace put together as products. */

import type { ProductRow } from "../../generated/read-api";

export interface Product {
  code: string;
  /** The version that is launched. */
  newest: ProductRow;
  /** All versions, the newest first. */
  versions: readonly ProductRow[];
}

/** `rows` come oldest first. Products stay in the order in which they came. */
export function products(rows: readonly ProductRow[]): Product[] {
  const found = new Map<string, ProductRow[]>();
  for (const row of rows) found.set(row.product_code, [row, ...(found.get(row.product_code) ?? [])]);
  return [...found].flatMap(([code, versions]) => {
    const [newest] = versions;
    return newest ? [{ code, newest, versions }] : [];
  });
}

/** `opengwlb-marketplace/firewall` is called `firewall`, as AWS's shop calls a product by its own name. */
export const title = (row: ProductRow): string => row.name.split("/").at(-1) ?? row.name;
