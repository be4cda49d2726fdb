import type { Page } from "../../shell/pages";

export const pages: Page[] = [{ path: "events", component: () => import("./EventsPage"), title: "events:title" }];
