import { ResourceLink } from "../../common/ResourceLink";
import { type Owners, pathOf } from "./links";

/** An id, linked where it has a page. */
export function ResourceName({ id, owners }: { id: string; owners: Owners }) {
  const path = pathOf(id, owners);
  return path === null ? <>{id}</> : <ResourceLink to={path}>{id}</ResourceLink>;
}
