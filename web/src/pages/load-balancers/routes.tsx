import type { Page } from "../../shell/pages";

export const pages: Page[] = [
  { path: "load-balancers", component: () => import("./LoadBalancersPage"), title: "load-balancers:title" },
  {
    path: "load-balancers/create",
    component: () => import("./ChooseTypePage"),
    title: "load-balancers:chooseType",
    under: "load-balancers",
  },
  {
    path: "load-balancers/create/gateway",
    component: () => import("./create/CreateWizard"),
    title: "load-balancers:createGateway",
    under: "load-balancers",
  },
  {
    path: "load-balancers/:id",
    component: () => import("./LoadBalancerPage"),
    title: "load-balancers:one",
    under: "load-balancers",
  },
];
