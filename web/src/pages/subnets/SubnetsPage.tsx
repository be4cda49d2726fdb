import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName, tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import { VpcLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";
import { RouteTableOf } from "./RouteTableOf";

const idOf = (subnet: ec2.Subnet) => subnet.SubnetId ?? "";

export default function SubnetsPage() {
  const { t } = useTranslation(["subnets", "common", "network"]);
  const navigate = useNavigate();
  const subnets = useAws("ec2", "DescribeSubnets", {});
  const remove = useAwsAction("ec2", "DeleteSubnet");
  const { selected, onSelect, only } = useSelected(subnets.data?.Subnets, idOf);
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <ResourceTable<ec2.Subnet>
        title={t("title")}
        items={subnets.data?.Subnets}
        loading={subnets.isPending}
        error={subnets.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", t("network:subnetId"), idOf, (one) => (
            <ResourceLink to={`/subnets/${idOf(one)}`}>{idOf(one)}</ResourceLink>
          )),
          textColumn(
            "state",
            t("common:state"),
            (one) => one.State,
            (one) => <StateOf state={one.State} />,
          ),
          textColumn(
            "vpc",
            "VPC",
            (one) => one.VpcId,
            (one) => <VpcLink id={one.VpcId} />,
          ),
          textColumn("cidr", "IPv4 CIDR", (one) => one.CidrBlock),
          textColumn("ipv6", "IPv6 CIDR", (one) => one.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock),
          textColumn("free", t("free"), (one) => String(one.AvailableIpAddressCount ?? "")),
          textColumn("zone", t("network:zone"), (one) => one.AvailabilityZone),
          textColumn("table", t("network:routeTable"), idOf, (one) => <RouteTableOf subnet={one} />),
          textColumn("public", t("autoPublic"), (one) =>
            one.MapPublicIpOnLaunch ? t("network:yes") : t("network:no"),
          ),
        ]}
        empty={{ title: t("empty") }}
        actions={
          <>
            <Actions
              disabled={!only}
              items={[
                {
                  id: "delete",
                  text: t("delete"),
                  run: () => {
                    setDeleting(true);
                  },
                },
              ]}
            />
            <Button variant="primary" data-testid="create" onClick={() => void navigate("/subnets/create")}>
              {t("create.title")}
            </Button>
          </>
        }
      />
      {deleting && only && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(idOf(only), only)]}
          onConfirm={() => remove.mutateAsync({ SubnetId: idOf(only) })}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
