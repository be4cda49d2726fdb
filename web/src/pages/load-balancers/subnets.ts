import type { ec2 } from "../../generated/aws";

export interface Zone {
  zone: string;
  subnets: ec2.Subnet[];
}

/** The subnets of a VPC by their zone, zones in order; an answer about another VPC, from before, has none. */
export function byZone(subnets: readonly ec2.Subnet[], vpc: string): Zone[] {
  const found = new Map<string, ec2.Subnet[]>();
  for (const subnet of subnets) {
    if (subnet.VpcId !== vpc) continue;
    const zone = subnet.AvailabilityZone ?? "";
    found.set(zone, [...(found.get(zone) ?? []), subnet]);
  }
  return [...found.entries()]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([zone, all]) => ({
      zone,
      subnets: all,
    }));
}
