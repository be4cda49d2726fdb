import type { Page } from "../../shell/pages";

export const pages: Page[] = [
  { path: "reachability", component: () => import("./ReachabilityPage"), title: "reachability:title" },
];
