/** What `walk` answers: observe/walk.py, as JSON. */

/** Source, destination, protocol, source port, destination port. */
export type FlowTuple = readonly [string, string, number, number, number];

export interface TreeNode {
  name: string;
  value: string;
  offset: number;
  length: number;
  children: readonly TreeNode[];
}

export interface GeneveSeen {
  vni: number;
  endpoint: string;
  attachment: number;
  cookie: number;
  outer_source: string;
  outer_destination: string;
  outer_source_port: number;
}

export interface Hop {
  step: number;
  title: string;
  resource: string;
  box: string;
  device: string;
  incoming: boolean;
  after_us: number;
  since_last_us: number | null;
  flow: FlowTuple;
  ttl: number;
  length: number;
  geneve: GeneveSeen | null;
  verdict: string | null;
  sentence: string;
  frame_length: number;
  bytes: string;
  tree: readonly TreeNode[];
}

export interface Leg {
  name: "request" | "reply";
  hops: readonly Hop[];
  arrived: boolean;
  by_passed: boolean;
  ended: { resource: string; verdict: string; sentence: string } | null;
}

export interface Walk {
  connection: FlowTuple;
  legs: readonly Leg[];
  appliance: string | null;
  cookie: number | null;
  checks: readonly { name: string; ok: boolean; sentence: string }[];
  notes: readonly string[];
  warnings: readonly string[];
  ok: boolean;
  chosen: { target: string; name: string | null; address: string; zone: string | null; sentence: string } | null;
  established: boolean;
  at: number;
}

/** A row of `flows`, as far as a walk needs it. */
export interface LiveFlow {
  endpoint: string;
  protocol: string;
  source: string;
  source_port: number;
  destination: string;
  destination_port: number;
}
