import type { Page } from "../../shell/pages";

const under = "endpoints";

export const pages: Page[] = [
  { path: under, component: () => import("./EndpointsPage"), title: "shell:pages.endpoints" },
  { path: `${under}/create`, component: () => import("./CreateEndpointPage"), title: "endpoints:create.title", under },
  { path: `${under}/:id`, component: () => import("./EndpointPage"), title: "endpoints:one", under },
];
