import type { Page } from "../../shell/pages";

const under = "endpoint-services";

export const pages: Page[] = [
  { path: under, component: () => import("./EndpointServicesPage"), title: "shell:pages.endpoint-services" },
  {
    path: `${under}/create`,
    component: () => import("./CreateEndpointServicePage"),
    title: "endpoint-services:create.title",
    under,
  },
  { path: `${under}/:id`, component: () => import("./EndpointServicePage"), title: "endpoint-services:one", under },
];
