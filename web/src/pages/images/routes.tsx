import type { Page } from "../../shell/pages";

const under = "images";

export const pages: Page[] = [
  { path: under, component: () => import("./ImagesPage"), title: "images:title" },
  { path: `${under}/import`, component: () => import("./ImportPage"), title: "images:import.title", under },
  { path: `${under}/:id`, component: () => import("./ImagePage"), title: "images:one", under },
];
