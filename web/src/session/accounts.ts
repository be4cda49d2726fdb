import { useQuery } from "@tanstack/react-query";
import { request } from "../api/http";
import { useScope } from "./scope";
import { useSession } from "./session";

interface Account {
  account: string;
  name: string;
}

/** Accounts that the operator may enter and that are not signed in yet; nobody else is told of any. */
export function useOtherAccounts(): Account[] {
  const { state, current } = useSession();
  const scope = useScope();
  const { data } = useQuery({
    queryKey: ["accounts", scope.account],
    queryFn: () => request<{ accounts: { id: string; name: string }[] }>("/_gwlb/v1/accounts", { scope }),
    enabled: current.operator,
  });
  const known = new Set(state.accounts.map((one) => one.account));
  return (data?.accounts ?? []).filter((one) => !known.has(one.id)).map((one) => ({ account: one.id, name: one.name }));
}
