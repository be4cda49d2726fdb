/** Who is signed in, by the cookies that only the server can read. */

import { createContext, useContext } from "react";
import { request, type Scope } from "../api/http";

export interface SignedIn {
  account: string;
  name: string;
  operator: boolean;
  access_key: string;
}

export interface SessionState {
  accounts: SignedIn[];
  default_region: string;
  regions: string[];
  data_plane: "kernel" | "none";
  version: string;
}

const PATH = "/console/api/session";

export type Login = { access_key: string; secret_key: string } | { token: string };

export const fetchSession = (): Promise<SessionState> => request<SessionState>(PATH);
export const logIn = (login: Login): Promise<SessionState> =>
  request<SessionState>(PATH, { method: "POST", body: login });
export const enterAccount = (scope: Scope, account: string): Promise<SessionState> =>
  request<SessionState>(`${PATH}/switch`, { method: "POST", body: { account }, scope });
export const logOut = (account: string): Promise<SessionState> =>
  request<SessionState>(`${PATH}?account=${account}`, { method: "DELETE" });

export interface Session {
  state: SessionState;
  /** The account chosen in the top bar. */
  current: SignedIn;
  choose: (scope: Partial<Scope>) => void;
  replace: (state: SessionState, account?: string) => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("This belongs inside SessionProvider.");
  return session;
}
