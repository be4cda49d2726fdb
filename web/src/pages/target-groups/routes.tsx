import type { Page } from "../../shell/pages";

export const pages: Page[] = [
  { path: "target-groups", component: () => import("./TargetGroupsPage"), title: "target-groups:title" },
  {
    path: "target-groups/create",
    component: () => import("./CreateTargetGroupPage"),
    title: "target-groups:create",
    under: "target-groups",
  },
  {
    path: "target-groups/:id/register",
    component: () => import("./RegisterTargetsPage"),
    title: "target-groups:register.title",
    under: "target-groups",
  },
  {
    path: "target-groups/:id",
    component: () => import("./TargetGroupPage"),
    title: "target-groups:one",
    under: "target-groups",
  },
];
