import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "", component: () => import("./HomePage"), title: "home:title" }];
