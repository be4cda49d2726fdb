/** `/_gwlb/v1/…`: what AWS has no call for. */

import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useScope } from "../session/scope";
import { type AwsError, request, type Scope } from "./http";

export const READ = "/_gwlb/v1";

export function read<T>(scope: Scope, name: string, question?: object, signal?: AbortSignal): Promise<T> {
  return request<T>(`${READ}/${name}`, { method: question ? "POST" : "GET", body: question, scope, signal });
}

/** Asked again every `everyMs`, and when the event stream says that something changed. */
export function useRead<T>(
  name: string,
  question?: object,
  { enabled = true, everyMs }: { enabled?: boolean; everyMs?: number } = {},
): UseQueryResult<T, AwsError> {
  const scope = useScope();
  return useQuery<T, AwsError>({
    queryKey: ["read", scope.account, scope.region, name, question],
    queryFn: ({ signal }) => read<T>(scope, name, question, signal),
    enabled,
    refetchInterval: everyMs ?? false,
    placeholderData: keepPreviousData,
  });
}

/** A plain link cannot set headers, so the account is in the query. */
export function downloadLink(scope: Scope, name: string, question: Record<string, string | number>): string {
  const query = new URLSearchParams({ account: scope.account });
  for (const [key, value] of Object.entries(question)) query.set(key, String(value));
  return `${READ}/${name}?${query.toString()}`;
}
