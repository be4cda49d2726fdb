/** Addresses of pages whose resources are named by ARNs. */

export const loadBalancerPath = (arn: string): string => `/load-balancers/${encodeURIComponent(arn)}`;
export const targetGroupPath = (arn: string): string => `/target-groups/${encodeURIComponent(arn)}`;
