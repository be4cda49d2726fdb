import type { ReactNode } from "react";
import "./buttons.css";

/** Buttons beside each other, also those that come as a fragment, which Cloudscape's SpaceBetween takes for one child. */
export function Buttons({ children }: { children: ReactNode }) {
  return <div className="buttons">{children}</div>;
}
