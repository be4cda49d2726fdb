import Spinner from "@cloudscape-design/components/spinner";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { AwsError, type Scope } from "../api/http";
import { chosenScope, remember, remembered } from "./chosen";
import { LoginPage } from "./LoginPage";
import { ScopeContext } from "./scope";
import { fetchSession, logIn, type Session, SessionContext, type SessionState } from "./session";
import { takeToken } from "./token";

const ENDED = "ExpiredToken";

/** Shows the sign-in page until an account is signed in; below it, session and scope are there. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [state, setState] = useState<SessionState | null>(null);
  const [wanted, setWanted] = useState<Partial<Scope>>(remembered);
  const [problem, setProblem] = useState<AwsError | null>(null);

  const replace = useCallback((next: SessionState, account?: string) => {
    setState(next);
    if (account) setWanted((before) => ({ ...before, account }));
  }, []);

  useEffect(() => {
    const token = takeToken();
    const entered = token === null ? fetchSession() : logIn({ token });
    entered.then(replace, (refused: AwsError) => {
      setProblem(refused);
      fetchSession().then(replace, setProblem);
    });
  }, [replace]);

  const scope = useMemo(() => state && chosenScope(state, wanted), [state, wanted]);
  useEffect(() => {
    if (scope) remember(scope);
  }, [scope]);

  const session = useMemo<Session | null>(() => {
    const current = state?.accounts.find((one) => one.account === scope?.account);
    if (!state || !current) return null;
    const choose = (next: Partial<Scope>) => {
      setWanted((before) => ({ ...before, ...next }));
    };
    return { state, current, choose, replace };
  }, [state, scope, replace]);

  useEffect(() => queries.clear(), [queries, scope?.account]);

  // A session that ended is noticed by the first question that is refused; who is left is asked once.
  useEffect(
    () =>
      queries.getQueryCache().subscribe((event) => {
        const refused = event.type === "updated" && event.action.type === "error" ? event.action.error : null;
        if (!(refused instanceof AwsError) || refused.code !== ENDED) return;
        setProblem(refused);
        fetchSession().then(replace, setProblem);
      }),
    [queries, replace],
  );

  if (!state && !problem) return <Spinner size="large" />;
  if (!session || !scope) return <LoginPage problem={problem} onEntered={replace} />;
  return (
    <SessionContext value={session}>
      <ScopeContext value={scope}>{children}</ScopeContext>
    </SessionContext>
  );
}
