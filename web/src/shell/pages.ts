/** Every folder of pages says in its `routes.tsx` which addresses it answers. */

import type { ComponentType } from "react";

export interface Page {
  /** Below `/console/`: `load-balancers/create`, `vpcs/:id`. */
  path: string;
  /** Loaded when it is first shown. */
  component: () => Promise<{ default: ComponentType }>;
  /** The breadcrumbs' last text: a key, `namespace:key`. */
  title: string;
  /** The menu entry that it belongs to, when that is not the path itself. */
  under?: string;
}

const folders = import.meta.glob<{ pages: Page[] }>("../pages/*/routes.tsx", { eager: true });

export const pages: Page[] = Object.values(folders).flatMap((folder) => folder.pages);
