import { ResourceLink } from "../../common/ResourceLink";
import type { Placed } from "./routeTargets";

const FOLDERS = { gateway: "internet-gateways", endpoint: "endpoints", instance: "instances" };

/** Where a route leads, as a link where there is a page. */
export function TargetLink({ route: { kind, target } }: { route: Placed }) {
  if (kind === "local") return <>local</>;
  if (kind === "interface") return <>{target}</>;
  return <ResourceLink to={`/${FOLDERS[kind]}/${target}`}>{target}</ResourceLink>;
}
