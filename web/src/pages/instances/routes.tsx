import type { Page } from "../../shell/pages";

const under = "instances";

export const pages: Page[] = [
  { path: under, component: () => import("./InstancesPage"), title: "instances:title" },
  { path: `${under}/launch`, component: () => import("./LaunchPage"), title: "instances:launch.title", under },
  { path: `${under}/:id`, component: () => import("./InstancePage"), title: "instances:one", under },
];
