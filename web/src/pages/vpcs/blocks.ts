import type { ec2 } from "../../generated/aws";

export interface Block {
  association: string;
  cidr: string;
  version: "IPv4" | "IPv6";
  state: string | undefined;
}

/** A VPC's blocks of both protocols in one list. */
export const blocksOf = (vpc: ec2.Vpc): Block[] => [
  ...(vpc.CidrBlockAssociationSet ?? []).map((one) => ({
    association: one.AssociationId ?? "",
    cidr: one.CidrBlock ?? "",
    version: "IPv4" as const,
    state: one.CidrBlockState?.State,
  })),
  ...(vpc.Ipv6CidrBlockAssociationSet ?? []).map((one) => ({
    association: one.AssociationId ?? "",
    cidr: one.Ipv6CidrBlock ?? "",
    version: "IPv6" as const,
    state: one.Ipv6CidrBlockState?.State,
  })),
];
