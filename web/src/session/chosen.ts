/** Which account and region this tab shows: its own choice first, then the last one of any tab. */

import type { Scope } from "../api/http";
import type { SessionState } from "./session";

const KEY = "gwlb.scope";

export function remembered(): Partial<Scope> {
  const text = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
  if (text === null) return {};
  try {
    return JSON.parse(text) as Partial<Scope>;
  } catch {
    return {};
  }
}

export function remember(scope: Scope): void {
  const text = JSON.stringify(scope);
  sessionStorage.setItem(KEY, text);
  localStorage.setItem(KEY, text);
}

/** What is remembered, as far as it is still signed in; null when nobody is. */
export function chosenScope(state: SessionState, wanted: Partial<Scope>): Scope | null {
  const account = state.accounts.find((one) => one.account === wanted.account) ?? state.accounts[0];
  if (!account) return null;
  return { account: account.account, region: wanted.region ?? state.default_region };
}
