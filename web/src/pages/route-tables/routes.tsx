import type { Page } from "../../shell/pages";

const under = "route-tables";

export const pages: Page[] = [
  { path: under, component: () => import("./RouteTablesPage"), title: "shell:pages.route-tables" },
  {
    path: `${under}/create`,
    component: () => import("./CreateRouteTablePage"),
    title: "route-tables:create.title",
    under,
  },
  { path: `${under}/:id`, component: () => import("./RouteTablePage"), title: "route-tables:one", under },
  { path: `${under}/:id/routes`, component: () => import("./EditRoutesPage"), title: "route-tables:edit.title", under },
  {
    path: `${under}/:id/subnets`,
    component: () => import("./EditSubnetsPage"),
    title: "route-tables:subnets.edit",
    under,
  },
  {
    path: `${under}/:id/edges`,
    component: () => import("./EditEdgesPage"),
    title: "route-tables:edges.edit",
    under,
  },
];
