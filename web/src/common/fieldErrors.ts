/** Which field an AWS error is about: AWS's answers name the parameter in code or message only. */

import type { AwsError } from "../api/http";

/** field -> what the error's code or message has when this field caused it. The first that matches counts. */
export type FieldRules<F extends string> = Partial<Record<F, RegExp>>;

export interface FieldErrors<F extends string> {
  /** The text to show beside a field. */
  at: (field: F) => string | undefined;
  /** An error that no field caused. */
  rest: AwsError | null;
}

export function fieldErrors<F extends string>(error: AwsError | null, rules: FieldRules<F>): FieldErrors<F> {
  const found =
    error &&
    (Object.entries(rules) as [F, RegExp][]).find(([, rule]) => rule.test(error.code) || rule.test(error.message))?.[0];
  return {
    at: (field) => (error && field === found ? sentence(error) : undefined),
    rest: found ? null : error,
  };
}

/** Code, message and request id in one line, for beside a field. */
export function sentence(error: AwsError): string {
  return `${error.code}: ${error.message}${error.requestId ? ` (${error.requestId})` : ""}`;
}
