import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "map", component: () => import("./MapPage"), title: "map:title" }];
