import { useAws } from "../../api/aws";
import { tableOf } from "../../common/associations";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import type { ec2 } from "../../generated/aws";

/** The table that a subnet uses: its own, or the VPC's main one. */
export function RouteTableOf({ subnet }: { subnet: ec2.Subnet }) {
  const { data } = useAws("ec2", "DescribeRouteTables", {});
  const tables = (data?.RouteTables ?? []).filter((one) => one.VpcId === subnet.VpcId);
  const table = tableOf(tables, "SubnetId", subnet.SubnetId ?? "");
  if (!table) return <>–</>;
  const id = table.RouteTableId ?? "";
  const name = tagName(table);
  return (
    <>
      <ResourceLink to={`/route-tables/${id}`}>{id}</ResourceLink>
      {name && ` | ${name}`}
    </>
  );
}
