/** The answer as it is drawn: a chain of boxes for each direction, and one verdict on both. */

import type { StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { IconKind } from "../../common/KindIcon";
import type { Reach, Step } from "../../generated/read-api";

export type Direction = "forward" | "back";

export interface Drawn {
  step: Step;
  kind: IconKind;
  /** Where it ends, an appliance's place, or a mere passage. */
  look: "blocked" | "appliance" | "passage";
}

export interface Chain {
  direction: Direction;
  arrives: boolean;
  boxes: readonly Drawn[];
}

/** The way back only where there is one. */
export function chains(reach: Reach): Chain[] {
  return (["forward", "back"] as const).flatMap((direction) => {
    const way = reach[direction];
    return way ? [{ direction, arrives: way.arrives, boxes: way.steps.map(drawn) }] : [];
  });
}

function drawn(step: Step): Drawn {
  const look = step.blocked ? "blocked" : step.decision === "encapsulated" ? "appliance" : "passage";
  return { step, kind: kindOf(step), look };
}

const KINDS: Record<string, IconKind> = {
  eni: "network-interface",
  vpce: "endpoint",
  igw: "internet-gateway",
  i: "instance",
  rtb: "route-table",
  vpc: "vpc",
};

function kindOf({ at, decision }: Step): IconKind {
  if (decision === "returned") return "target";
  return KINDS[at.split("-")[0] ?? ""] ?? "network-interface";
}

export type Symmetry = "symmetric" | "asymmetric" | "otherZone" | "bypass" | "halfBypass" | "unknown";

/** Whether both directions meet the same flow at the same appliance in the same zone. */
export function symmetryOf({ symmetric, by_passes: bypasses, back, appliances }: Reach): Symmetry {
  if (symmetric) return "symmetric";
  if (bypasses) return symmetric === false || !back?.arrives ? "halfBypass" : "bypass";
  if (symmetric === null) return "unknown";
  const { forward: there, back: home } = appliances;
  return there?.zone && home?.zone && there.zone !== home.zone ? "otherZone" : "asymmetric";
}

export const SYMMETRY_LOOKS: Record<Symmetry, StatusIndicatorProps.Type> = {
  symmetric: "success",
  asymmetric: "error",
  otherZone: "error",
  bypass: "warning",
  halfBypass: "error",
  unknown: "info",
};
