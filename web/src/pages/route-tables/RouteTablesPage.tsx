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
import { useSelected } from "../../common/useSelected";
import { SubnetLink, VpcLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";
import { explicit, isMain } from "../../common/associations";

const idOf = (table: ec2.RouteTable) => table.RouteTableId ?? "";

export default function RouteTablesPage() {
  const { t } = useTranslation(["route-tables", "common", "network"]);
  const navigate = useNavigate();
  const tables = useAws("ec2", "DescribeRouteTables", {});
  const remove = useAwsAction("ec2", "DeleteRouteTable");
  const { selected, onSelect, only } = useSelected(tables.data?.RouteTables, idOf);
  const [deleting, setDeleting] = useState(false);
  const go = (part: string) => () => void navigate(`/route-tables/${only ? idOf(only) : ""}/${part}`);
  const subnets = (table: ec2.RouteTable) => [...explicit(table, "SubnetId").keys()];
  return (
    <>
      <ResourceTable<ec2.RouteTable>
        title={t("title")}
        items={tables.data?.RouteTables}
        loading={tables.isPending}
        error={tables.error}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("name", t("common:name"), tagName),
          textColumn("id", t("id"), idOf, (table) => (
            <ResourceLink to={`/route-tables/${idOf(table)}`}>{idOf(table)}</ResourceLink>
          )),
          textColumn(
            "subnets",
            t("explicitSubnets"),
            (table) => subnets(table).join(" "),
            (table) => {
              const [first, ...more] = subnets(table);
              return more.length > 0 ? t("subnetCount", { count: more.length + 1 }) : <SubnetLink id={first} />;
            },
          ),
          textColumn("edges", t("edgeAssociations"), (table) => [...explicit(table, "GatewayId").keys()].join(", ")),
          textColumn("main", t("main"), (table) => (isMain(table) ? t("network:yes") : t("network:no"))),
          textColumn(
            "vpc",
            "VPC",
            (table) => table.VpcId,
            (table) => <VpcLink id={table.VpcId} />,
          ),
          textColumn("owner", t("network:owner"), (table) => table.OwnerId),
        ]}
        empty={{ title: t("empty") }}
        actions={
          <>
            <Actions
              disabled={!only}
              items={[
                { id: "edit-routes", text: t("edit.title"), run: go("routes") },
                { id: "edit-subnets", text: t("subnets.edit"), run: go("subnets") },
                { id: "edit-edges", text: t("edges.edit"), run: go("edges") },
                {
                  id: "delete",
                  text: t("delete"),
                  run: () => {
                    setDeleting(true);
                  },
                },
              ]}
            />
            <Button variant="primary" data-testid="create" onClick={() => void navigate("/route-tables/create")}>
              {t("create.title")}
            </Button>
          </>
        }
      />
      {deleting && only && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(idOf(only), only)]}
          onConfirm={() => remove.mutateAsync({ RouteTableId: idOf(only) })}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
