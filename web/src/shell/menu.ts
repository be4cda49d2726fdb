/** The side menu: AWS's own sections first, then what no cloud shows. Texts are keys of `shell`. */

export interface MenuSection {
  title: string;
  entries: readonly string[];
}

export const MENU: readonly MenuSection[] = [
  { title: "packets", entries: ["map", "walk", "reachability", "flows", "drops", "events", "metrics"] },
  { title: "loadBalancing", entries: ["load-balancers", "target-groups"] },
  { title: "privateLink", entries: ["endpoint-services", "endpoints"] },
  { title: "network", entries: ["vpcs", "subnets", "route-tables", "internet-gateways"] },
  { title: "security", entries: ["security-groups", "network-acls"] },
  { title: "compute", entries: ["instances", "images", "marketplace"] },
];
