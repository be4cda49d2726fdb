import { ResourceLink } from "../../common/ResourceLink";
import { idsIn, type Owners, pathOf } from "./links";

/** An id, linked where it has a page. */
export function ResourceName({ id, owners }: { id: string; owners: Owners }) {
  const path = pathOf(id, owners);
  return path === null ? <>{id}</> : <ResourceLink to={path}>{id}</ResourceLink>;
}

/** A sentence of the server's, with the ids in it linked. */
export function Sentence({ text, owners }: { text: string; owners: Owners }) {
  return (
    <>
      {idsIn(text).map((piece, at) =>
        at % 2 === 1 ? <ResourceName key={`${String(at)} ${piece}`} id={piece} owners={owners} /> : piece,
      )}
    </>
  );
}
