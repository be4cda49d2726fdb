/** AWS's API through the server's signing bridge, typed from botocore's models. */

import {
  keepPreviousData,
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import { type Operations, paginators } from "../generated/aws";
import { useScope } from "../session/scope";
import { noteCall } from "../shell/commandLog";
import { type AwsError, request, type Scope } from "./http";

export type Service = keyof Operations;
export type Operation<S extends Service> = keyof Operations[S] & string;
export type Input<S extends Service, O extends Operation<S>> = Operations[S][O] extends { input: infer I } ? I : never;
export type Output<S extends Service, O extends Operation<S>> = Operations[S][O] extends { output: infer R }
  ? R
  : never;

interface Answer<T> {
  result: T;
  request_id: string;
}

/** One call. Raises AwsError. */
export async function callAws<S extends Service, O extends Operation<S>>(
  scope: Scope,
  service: S,
  operation: O,
  parameters: Input<S, O>,
  signal?: AbortSignal,
): Promise<Output<S, O>> {
  const path = `/console/api/aws/${service}/${operation}`;
  const answer = await request<Answer<Output<S, O>>>(path, { method: "POST", body: parameters, scope, signal });
  return answer.result;
}

/** The same for all pages of an operation that has pages, put together as one answer. */
export async function callAllPages<S extends Service, O extends Operation<S>>(
  scope: Scope,
  service: S,
  operation: O,
  parameters: Input<S, O>,
  signal?: AbortSignal,
): Promise<Output<S, O>> {
  const pages = pagesOf(service, operation);
  const first = await callAws(scope, service, operation, parameters, signal);
  if (!pages) return first;
  const whole: Record<string, unknown> = { ...(first as Record<string, unknown>) };
  let tokens = tokensFor(pages, whole);
  while (tokens !== null) {
    const next = { ...(parameters as object), ...tokens } as Input<S, O>;
    const page = (await callAws(scope, service, operation, next, signal)) as Record<string, unknown>;
    for (const key of pages.results) {
      whole[key] = [...((whole[key] as unknown[] | undefined) ?? []), ...((page[key] as unknown[] | undefined) ?? [])];
    }
    tokens = tokensFor(pages, page);
  }
  return whole as Output<S, O>;
}

interface Pages {
  inputTokens: readonly string[];
  outputTokens: readonly string[];
  results: readonly string[];
  /** A member that says whether there is more, where the tokens do not. */
  more: string | null;
}

/** What asks for the page after this one; null after the last. */
export function tokensFor(pages: Pages, page: Record<string, unknown>): Record<string, unknown> | null {
  if (pages.more !== null && page[pages.more] !== true) return null;
  const found: Record<string, unknown> = {};
  pages.outputTokens.forEach((name, at) => {
    const input = pages.inputTokens[at];
    if (input !== undefined && page[name] !== undefined && page[name] !== "") found[input] = page[name];
  });
  return Object.keys(found).length === 0 ? null : found;
}

function pagesOf(service: string, operation: string): Pages | undefined {
  return (paginators as unknown as Record<string, Record<string, Pages>>)[service]?.[operation];
}

export function awsKey(scope: Scope, service: string, operation: string, parameters: unknown): readonly unknown[] {
  return ["aws", scope.account, scope.region, service, operation, parameters];
}

/** A Describe call's answer, all pages, kept fresh by the event stream (live/invalidation.ts). */
export function useAws<S extends Service, O extends Operation<S>>(
  service: S,
  operation: O,
  parameters: Input<S, O>,
  { enabled = true, everyMs }: { enabled?: boolean; everyMs?: number } = {},
): UseQueryResult<Output<S, O>, AwsError> {
  const scope = useScope();
  return useQuery<Output<S, O>, AwsError>({
    queryKey: awsKey(scope, service, operation, parameters),
    queryFn: ({ signal }) => callAllPages(scope, service, operation, parameters, signal),
    enabled,
    refetchInterval: everyMs ?? false,
    placeholderData: keepPreviousData,
  });
}

/** A call that changes something; what is on the screen is asked again afterwards. */
export function useAwsAction<S extends Service, O extends Operation<S>>(
  service: S,
  operation: O,
): UseMutationResult<Output<S, O>, AwsError, Input<S, O>> {
  const scope = useScope();
  const client = useQueryClient();
  return useMutation<Output<S, O>, AwsError, Input<S, O>>({
    mutationFn: async (parameters) => {
      const answer = await callAws(scope, service, operation, parameters);
      noteCall({ service, operation, parameters });
      return answer;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["aws", scope.account] }),
  });
}
