/** Why a node is as it is, in the page's language: the server says its own reasons as codes, and AWS's in AWS's words. */

import type { TFunction } from "i18next";
import type { NetworkMap } from "../../generated/read-api";

export const worded = (map: NetworkMap, t: TFunction<"map">): NetworkMap => ({
  ...map,
  nodes: map.nodes.map((node) =>
    node.why ? { ...node, reason: t(`reason.${node.why.code}`, node.why.values) } : node,
  ),
});
