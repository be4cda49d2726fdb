import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "walk", component: () => import("./WalkPage"), title: "walk:title" }];
