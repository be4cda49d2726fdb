import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { AwsError } from "../../api/http";
import { read, useRead } from "../../api/read";
import type { DemoAnswer, DemoTrafficAsked } from "../../generated/read-api";
import { useScope } from "../../session/scope";

const LOOK_MS = 1000;

/** The two-customer scenario: how far it is, and the buttons that build it and send traffic through it. */
export function useDemo() {
  const scope = useScope();
  const client = useQueryClient();
  const answer = useRead<DemoAnswer>("demo", undefined, { everyMs: LOOK_MS });
  const onSuccess = (now: DemoAnswer) => {
    client.setQueryData(["read", scope.account, scope.region, "demo", undefined], now);
  };
  const build = useMutation<DemoAnswer, AwsError>({
    mutationFn: () => read<DemoAnswer>(scope, "demo", {}),
    onSuccess,
  });
  const send = useMutation<DemoAnswer, AwsError, DemoTrafficAsked>({
    mutationFn: (asked) => read<DemoAnswer>(scope, "demo/traffic", asked),
    onSuccess,
  });
  return { answer, build, send };
}
