import type { Page } from "../../shell/pages";

const under = "images";

export const pages: Page[] = [
  { path: under, component: () => import("./ImagesPage"), title: "images:title" },
  { path: `${under}/:id`, component: () => import("./ImagePage"), title: "images:one", under },
];
