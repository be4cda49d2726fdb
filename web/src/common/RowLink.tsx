import type { ReactNode } from "react";
import { Link } from "react-router";

/** `ResourceLink` for a row of a `VirtualGrid`: a plain anchor, as each row that scrolls into sight makes its links within a frame. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link className="virtual-link" to={to}>
      {children}
    </Link>
  );
}
