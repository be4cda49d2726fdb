import { createContext, useContext } from "react";
import type { Scope } from "../api/http";

export const ScopeContext = createContext<Scope | null>(null);

/** Account and region in which everything on the screen happens. */
export function useScope(): Scope {
  const scope = useContext(ScopeContext);
  if (!scope) throw new Error("No account is signed in: this belongs inside SessionProvider.");
  return scope;
}
