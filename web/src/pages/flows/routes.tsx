import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "flows", component: () => import("./FlowsPage"), title: "flows:title" }];
