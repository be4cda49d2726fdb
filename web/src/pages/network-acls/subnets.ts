/** Which subnets an ACL filters, and the calls that change it. Pure. */

import type { Call } from "../../common/Equivalent";
import type { ec2 } from "../../generated/aws";

export const subnetsOf = (acl: ec2.NetworkAcl): string[] =>
  (acl.Associations ?? []).flatMap((one) => one.SubnetId ?? []);

/** Every subnet has one ACL always: who comes is taken from another, and who goes gets the VPC's default one. */
export function subnetCalls(acls: readonly ec2.NetworkAcl[], acl: ec2.NetworkAcl, chosen: readonly string[]): Call[] {
  const here = subnetsOf(acl);
  const standard = acls.find((one) => one.IsDefault && one.VpcId === acl.VpcId);
  const come = chosen.filter((subnet) => !here.includes(subnet)).map((subnet) => replace(acls, subnet, acl));
  const go = here.filter((subnet) => !chosen.includes(subnet)).map((subnet) => replace(acls, subnet, standard));
  return [...come, ...go];
}

function replace(acls: readonly ec2.NetworkAcl[], subnet: string, to: ec2.NetworkAcl | undefined): Call {
  const now = acls.flatMap((one) => one.Associations ?? []).find((one) => one.SubnetId === subnet);
  return {
    service: "ec2",
    operation: "ReplaceNetworkAclAssociation",
    parameters: { AssociationId: now?.NetworkAclAssociationId, NetworkAclId: to?.NetworkAclId },
  };
}
