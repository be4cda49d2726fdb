/** Several calls, one after the other, as a form makes them. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useScope } from "../session/scope";
import { noteCall } from "../shell/commandLog";
import { AwsError, request } from "./http";

export interface PlainCall {
  service: string;
  operation: string;
  parameters: unknown;
}

/** Where a row of calls stopped. */
export interface Stopped<C> {
  call: C;
  error: AwsError;
}

/** Makes the calls in order until one is refused; null when all were made. What `already(error)` knows as made before counts as made. */
export function useCalls<C extends PlainCall>(
  already: (error: AwsError) => boolean = () => false,
): (calls: readonly C[]) => Promise<Stopped<C> | null> {
  const scope = useScope();
  const client = useQueryClient();
  return useCallback(
    async (calls) => {
      try {
        for (const call of calls) {
          try {
            const path = `/console/api/aws/${call.service}/${call.operation}`;
            await request(path, { method: "POST", body: call.parameters, scope });
            noteCall(call);
          } catch (error) {
            if (!(error instanceof AwsError)) throw error;
            if (!already(error)) return { call, error };
          }
        }
        return null;
      } finally {
        await client.invalidateQueries({ queryKey: ["aws", scope.account] });
      }
    },
    [scope, client, already],
  );
}
