import type { Page } from "../../shell/pages";

const under = "network-acls";

export const pages: Page[] = [
  { path: under, component: () => import("./NetworkAclsPage"), title: "network-acls:title" },
  {
    path: `${under}/create`,
    component: () => import("./CreateNetworkAclPage"),
    title: "network-acls:create.title",
    under,
  },
  { path: `${under}/:id`, component: () => import("./NetworkAclPage"), title: "network-acls:one", under },
  { path: `${under}/:id/:direction`, component: () => import("./EditEntriesPage"), title: "network-acls:edit", under },
];
