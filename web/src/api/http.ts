/** One way to the server: JSON in, JSON out, and AWS's errors as a class of their own. */

export interface Scope {
  account: string;
  region: string;
}

/** What the server refused, in AWS's words. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly requestId: string | undefined,
    readonly status: number,
  ) {
    super(message);
    this.name = "AwsError";
  }
}

interface Refusal {
  code?: string;
  message?: string;
  request_id?: string;
}

/** No answer came: the server is down or starting again. */
export const UNREACHABLE = "Unreachable";

interface Options {
  method?: string;
  body?: unknown;
  scope?: Scope;
  signal?: AbortSignal;
}

/** The answer before its body is read, for files and for what is read while it comes. Raises AwsError. */
export async function respond(path: string, { method = "GET", body, scope, signal }: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { "x-gwlb-console": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (scope) {
    headers["x-gwlb-account"] = scope.account;
    headers["x-gwlb-region"] = scope.region;
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: JSON.stringify(body), signal });
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new AwsError(UNREACHABLE, String(problem), undefined, 0);
  }
  if (!response.ok) throw refusal(await response.text(), response);
  return response;
}

export async function request<T>(path: string, options: Options = {}): Promise<T> {
  const text = await (await respond(path, options)).text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

function refusal(text: string, response: Response): AwsError {
  const told = parsed(text);
  return new AwsError(
    told.code ?? `HTTP ${String(response.status)}`,
    told.message ?? response.statusText,
    told.request_id,
    response.status,
  );
}

/** A refusal that is no JSON comes from something between, or from a server that broke down. */
function parsed(text: string): Refusal {
  try {
    return JSON.parse(text) as Refusal;
  } catch {
    return { message: text };
  }
}
