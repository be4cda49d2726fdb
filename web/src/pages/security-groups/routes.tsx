import type { Page } from "../../shell/pages";

const under = "security-groups";

export const pages: Page[] = [
  { path: under, component: () => import("./SecurityGroupsPage"), title: "security-groups:title" },
  {
    path: `${under}/create`,
    component: () => import("./CreateSecurityGroupPage"),
    title: "security-groups:create.title",
    under,
  },
  { path: `${under}/:id`, component: () => import("./SecurityGroupPage"), title: "security-groups:one", under },
  {
    path: `${under}/:id/:direction`,
    component: () => import("./EditRulesPage"),
    title: "security-groups:rules.edit",
    under,
  },
];
