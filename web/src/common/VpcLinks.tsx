import { useAws } from "../api/aws";
import { tagName } from "./names";
import { ResourceLink } from "./ResourceLink";

/** A VPC's id, linked, with its name behind it as AWS's lists have it. */
export function VpcLink({ id }: { id: string | undefined }) {
  const { data } = useAws("ec2", "DescribeVpcs", {});
  const vpc = data?.Vpcs?.find((one) => one.VpcId === id);
  return <Named to={`/vpcs/${id ?? ""}`} id={id} name={vpc ? tagName(vpc) : ""} />;
}

export function SubnetLink({ id }: { id: string | undefined }) {
  const { data } = useAws("ec2", "DescribeSubnets", {});
  const subnet = data?.Subnets?.find((one) => one.SubnetId === id);
  return <Named to={`/subnets/${id ?? ""}`} id={id} name={subnet ? tagName(subnet) : ""} />;
}

function Named({ to, id, name }: { to: string; id: string | undefined; name: string }) {
  if (!id) return <>–</>;
  return (
    <>
      <ResourceLink to={to}>{id}</ResourceLink>
      {name && ` | ${name}`}
    </>
  );
}
