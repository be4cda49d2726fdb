/** What `walk` answers, by the names that these pages use. */

import type { Hop, Node } from "../../generated/read-api";

export type { GeneveSeen, Hop, Leg, Walk } from "../../generated/read-api";
export type TreeNode = Node;
/** Source, destination, protocol, source port, destination port. */
export type FlowTuple = Hop["flow"];

/** A row of `flows`, as far as a walk needs it. */
export interface LiveFlow {
  endpoint: string;
  protocol: string;
  source: string;
  source_port: number;
  destination: string;
  destination_port: number;
}
