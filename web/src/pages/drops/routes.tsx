import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "drops", component: () => import("./DropsPage"), title: "drops:title" }];
