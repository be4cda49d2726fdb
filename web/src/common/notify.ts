import { createContext, type ReactNode, useContext } from "react";
import type { AwsError } from "../api/http";

export interface Notify {
  success: (text: ReactNode) => void;
  failure: (error: AwsError) => void;
}

export const NotifyContext = createContext<Notify | null>(null);

/** Says at the top of the page what became of an action. */
export function useNotify(): Notify {
  const notify = useContext(NotifyContext);
  if (!notify) throw new Error("This belongs inside the Shell.");
  return notify;
}
