/** Buttons that make several calls, and what a form knows of its one button. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { callAws, type Input, type Operation, type Output, type Service } from "../api/aws";
import type { AwsError } from "../api/http";
import { useScope } from "../session/scope";
import { noteCall } from "../shell/commandLog";
import type { Call } from "./Equivalent";

export type Caller = <S extends Service, O extends Operation<S>>(
  service: S,
  operation: O,
  parameters: Input<S, O>,
) => Promise<Output<S, O>>;

/** Runs work made of calls that change something; each is noted as a command, and the screen is asked anew once, also after a failure. */
export function useCalls(): <T>(work: (call: Caller) => Promise<T>) => Promise<T> {
  const scope = useScope();
  const client = useQueryClient();
  return useCallback(
    async (work) => {
      try {
        return await work(async (service, operation, parameters) => {
          const answer = await callAws(scope, service, operation, parameters);
          noteCall({ service, operation, parameters });
          return answer;
        });
      } finally {
        void client.invalidateQueries({ queryKey: ["aws", scope.account] });
      }
    },
    [scope, client],
  );
}

/** Makes a call that a pure function put together: which operation it is cannot be followed by types here. */
export const make = (call: Caller, { service, operation, parameters }: Call): Promise<unknown> =>
  (call as (...plain: unknown[]) => Promise<unknown>)(service, operation, parameters);

export interface Submit {
  submit: () => void;
  busy: boolean;
  problem: AwsError | null;
}

/** One button: while its work runs it is busy; what the server refused stays until the next try. */
export function useSubmit<T>(work: (call: Caller) => Promise<T>, onDone: (result: T) => void): Submit {
  const run = useCalls();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<AwsError | null>(null);
  const submit = () => {
    setBusy(true);
    setProblem(null);
    run(work)
      .then(onDone, setProblem)
      .finally(() => {
        setBusy(false);
      });
  };
  return { submit, busy, problem };
}
