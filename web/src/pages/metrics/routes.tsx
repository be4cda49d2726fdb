import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "metrics", component: () => import("./MetricsPage"), title: "metrics:title" }];
