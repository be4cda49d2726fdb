import type { Page } from "../../shell/pages";

const under = "internet-gateways";

export const pages: Page[] = [
  { path: under, component: () => import("./InternetGatewaysPage"), title: "shell:pages.internet-gateways" },
  {
    path: `${under}/create`,
    component: () => import("./CreateInternetGatewayPage"),
    title: "internet-gateways:create.title",
    under,
  },
  { path: `${under}/:id`, component: () => import("./InternetGatewayPage"), title: "internet-gateways:one", under },
];
