/** Load balancers of the account, and the one that an address names. */

import { useAws, useAwsAction } from "../../api/aws";
import { AwsError } from "../../api/http";
import type { elbv2 } from "../../generated/aws";

export const balancerArn = (one: elbv2.LoadBalancer): string => one.LoadBalancerArn ?? "";
export const balancerName = (one: elbv2.LoadBalancer): string => one.LoadBalancerName ?? "";
export const zonesOf = (one: elbv2.LoadBalancer): string[] =>
  (one.AvailabilityZones ?? []).map((zone) => zone.ZoneName ?? "").sort();

export const useLoadBalancers = () => useAws("elbv2", "DescribeLoadBalancers", {});

/** By ARN or by name; an error when there is none of either. */
export function useLoadBalancer(id: string): { balancer: elbv2.LoadBalancer | undefined; error: AwsError | null } {
  const { data, error } = useLoadBalancers();
  const balancer = data?.LoadBalancers?.find((one) => one.LoadBalancerArn === id || one.LoadBalancerName === id);
  if (data && !balancer) {
    return { balancer, error: new AwsError("LoadBalancerNotFound", `Load balancer '${id}' not found`, undefined, 400) };
  }
  return { balancer, error };
}

/** Deletes some, one call each; the first refusal ends it. */
export function useDeleteBalancers(): (balancers: readonly elbv2.LoadBalancer[]) => Promise<void> {
  const remove = useAwsAction("elbv2", "DeleteLoadBalancer");
  return async (balancers) => {
    for (const one of balancers) await remove.mutateAsync({ LoadBalancerArn: balancerArn(one) });
  };
}
