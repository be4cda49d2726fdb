import type { Page } from "../../shell/pages";

const under = "subnets";

export const pages: Page[] = [
  { path: under, component: () => import("./SubnetsPage"), title: "shell:pages.subnets" },
  { path: `${under}/create`, component: () => import("./CreateSubnetPage"), title: "subnets:create.title", under },
  { path: `${under}/:id`, component: () => import("./SubnetPage"), title: "subnets:one", under },
];
