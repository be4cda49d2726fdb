/** Maps for tests: nodes and edges with what every one has. */

import type { MapEdge, MapNode, NetworkMap } from "../../generated/read-api";

export function node(id: string, kind: MapNode["kind"], more: Partial<MapNode> = {}): MapNode {
  return {
    id,
    kind,
    name: id,
    account: "1",
    vpc: null,
    zone: null,
    state: "available",
    healthy: null,
    reason: "",
    why: null,
    detail: {},
    ...more,
  };
}

export function edge(kind: MapEdge["kind"], source: string, target: string, more: Partial<MapEdge> = {}): MapEdge {
  return { id: `${kind}:${source}>${target}`, source, target, kind, label: "", ports: [], state: "ok", ...more };
}

/** A customer's VPC with both route tables, inspected by a provider's two appliances, of which one is unhealthy. */
export function inspected(): NetworkMap {
  return {
    revision: 1,
    nodes: [
      node("vpc-1", "vpc", { vpc: "vpc-1", name: "customer" }),
      node("subnet-app", "subnet", { vpc: "vpc-1", zone: "a" }),
      node("subnet-edge", "subnet", { vpc: "vpc-1", zone: "a" }),
      node("rtb-app", "route-table", { vpc: "vpc-1" }),
      node("rtb-edge", "route-table", { vpc: "vpc-1" }),
      node("rtb-igw", "route-table", { vpc: "vpc-1" }),
      node("igw-1", "internet-gateway", { vpc: "vpc-1" }),
      node("vpce-1", "endpoint", { vpc: "vpc-1", zone: "a", healthy: true }),
      node("i-web", "instance", { vpc: "vpc-1", zone: "a" }),
      node("vpce-svc-1", "endpoint-service"),
      node("lb", "load-balancer", { vpc: "vpc-2" }),
      node("tg", "target-group", { vpc: "vpc-2" }),
      node("tg|i-1", "target", { healthy: true, state: "healthy", vpc: "vpc-2" }),
      node("tg|i-2", "target", { healthy: false, state: "unhealthy", vpc: "vpc-2" }),
      node("i-1", "instance", { vpc: "vpc-2" }),
      node("i-2", "instance", { vpc: "vpc-2" }),
      node("vpc-2", "vpc", { vpc: "vpc-2", name: "provider" }),
      node("subnet-fw", "subnet", { vpc: "vpc-2" }),
    ],
    edges: [
      edge("contains", "vpc-1", "subnet-app"),
      edge("contains", "vpc-1", "subnet-edge"),
      edge("contains", "vpc-1", "igw-1"),
      edge("contains", "subnet-app", "i-web", { ports: ["eni-web"] }),
      edge("contains", "subnet-edge", "vpce-1", { ports: ["vpce-1"] }),
      edge("associated", "subnet-app", "rtb-app"),
      edge("associated", "subnet-edge", "rtb-edge"),
      edge("associated", "igw-1", "rtb-igw", { ports: ["igw-1"] }),
      edge("routes", "rtb-app", "vpce-1", { label: "0.0.0.0/0", ports: ["vpce-1"] }),
      edge("routes", "rtb-edge", "igw-1", { label: "0.0.0.0/0", ports: ["igw-1"] }),
      edge("routes", "rtb-igw", "vpce-1", { label: "10.0.1.0/24", ports: ["vpce-1"] }),
      edge("serves", "vpce-1", "vpce-svc-1", { ports: ["vpce-1"] }),
      edge("serves", "vpce-svc-1", "lb", { ports: ["vpce-1"] }),
      edge("contains", "vpc-2", "subnet-fw"),
      edge("contains", "subnet-fw", "lb", { ports: ["eni-node"] }),
      edge("forwards", "lb", "tg", { ports: ["eni-node"] }),
      edge("registered", "tg", "tg|i-1", { ports: ["eni-1"] }),
      edge("registered", "tg", "tg|i-2", { ports: ["eni-2"], state: "bad" }),
      edge("runs", "tg|i-1", "i-1", { ports: ["eni-1"] }),
      edge("runs", "tg|i-2", "i-2", { ports: ["eni-2"] }),
    ],
  };
}

/** `customers` VPCs of 2 zones on one provider with `targets` appliances: 14 nodes a customer. */
export function large(customers: number, targets: number): NetworkMap {
  const nodes: MapNode[] = [
    node("vpc-p", "vpc", { vpc: "vpc-p" }),
    node("vpce-svc-p", "endpoint-service"),
    node("lb", "load-balancer", { vpc: "vpc-p" }),
    node("tg", "target-group", { vpc: "vpc-p" }),
  ];
  const edges: MapEdge[] = [edge("serves", "vpce-svc-p", "lb"), edge("forwards", "lb", "tg", { ports: ["eni-n"] })];
  for (let at = 0; at < targets; at++) {
    const id = `tg|i-${String(at)}`;
    nodes.push(node(id, "target", { healthy: at % 7 !== 0, state: at % 7 === 0 ? "unhealthy" : "healthy" }));
    edges.push(edge("registered", "tg", id, { ports: [`eni-${String(at)}`] }));
  }
  for (let at = 0; at < customers; at++) {
    const vpc = `vpc-${String(at).padStart(3, "0")}`;
    const igw = `igw-${vpc}`;
    const edgeTable = `rtb-igw-${vpc}`;
    nodes.push(node(vpc, "vpc", { vpc }), node(igw, "internet-gateway", { vpc }));
    nodes.push(node(edgeTable, "route-table", { vpc }));
    edges.push(edge("contains", vpc, igw), edge("associated", igw, edgeTable));
    for (const zone of ["a", "b"]) {
      const endpoint = `vpce-${vpc}${zone}`;
      nodes.push(node(endpoint, "endpoint", { vpc, zone }));
      for (const use of ["app", "edge"]) {
        const [subnet, table] = [`subnet-${use}-${vpc}${zone}`, `rtb-${use}-${vpc}${zone}`];
        nodes.push(node(subnet, "subnet", { vpc, zone }), node(table, "route-table", { vpc }));
        edges.push(edge("contains", vpc, subnet), edge("associated", subnet, table));
        edges.push(edge("routes", table, use === "app" ? endpoint : igw, { label: "0.0.0.0/0", ports: [endpoint] }));
      }
      edges.push(edge("routes", edgeTable, endpoint, { ports: [endpoint] }));
      edges.push(edge("serves", endpoint, "vpce-svc-p", { ports: [endpoint] }));
    }
  }
  return { revision: 1, nodes, edges };
}
