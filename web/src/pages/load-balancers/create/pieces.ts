/** The wizard's Create: four calls, each with what the earlier ones answered. */

import type { Piece } from "../../../common/work";
import {
  type Draft,
  groupInput,
  groupOf,
  listenerInput,
  loadBalancerInput,
  type Made,
  type Stage,
  targetsInput,
  unregistered,
} from "./draft";

export function pieces(draft: Draft): Piece<Made, Stage>[] {
  return [
    {
      id: "loadBalancer",
      done: (made) => made.loadBalancer !== undefined,
      run: async (call, made) => {
        const answer = await call("elbv2", "CreateLoadBalancer", loadBalancerInput(draft));
        return { ...made, loadBalancer: answer.LoadBalancers?.[0]?.LoadBalancerArn };
      },
    },
    {
      id: "targetGroup",
      done: (made) => draft.routing === "existing" || made.targetGroup !== undefined,
      run: async (call, made) => {
        const answer = await call("elbv2", "CreateTargetGroup", groupInput(draft));
        return { ...made, targetGroup: answer.TargetGroups?.[0]?.TargetGroupArn };
      },
    },
    {
      id: "targets",
      done: (made) => unregistered(draft, made).length === 0,
      run: async (call, made) => {
        await call("elbv2", "RegisterTargets", targetsInput(draft, made, groupOf(draft, made) ?? ""));
        return { ...made, registered: draft.targets.map((one) => one.id) };
      },
    },
    {
      id: "listener",
      done: (made) => made.listener !== undefined,
      run: async (call, made) => {
        const input = listenerInput(made.loadBalancer ?? "", groupOf(draft, made) ?? "");
        const answer = await call("elbv2", "CreateListener", input);
        return { ...made, listener: answer.Listeners?.[0]?.ListenerArn };
      },
    },
  ];
}
