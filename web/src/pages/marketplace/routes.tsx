import type { Page } from "../../shell/pages";

export const pages: Page[] = [
  { path: "marketplace", component: () => import("./MarketplacePage"), title: "marketplace:title" },
];
