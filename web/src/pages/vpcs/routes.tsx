import type { Page } from "../../shell/pages";

const under = "vpcs";

export const pages: Page[] = [
  { path: under, component: () => import("./VpcsPage"), title: "shell:pages.vpcs" },
  { path: `${under}/create`, component: () => import("./CreateVpcPage"), title: "vpcs:create.title", under },
  { path: `${under}/:id`, component: () => import("./VpcPage"), title: "vpcs:one", under },
];
