import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { explicit, isMain } from "../../common/associations";
import { linkColumn, textColumn, vpcColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { idAndName, tagName } from "../../common/names";
import { SubnetLink } from "../../common/VpcLinks";
import type { ec2 } from "../../generated/aws";

const idOf = (table: ec2.RouteTable) => table.RouteTableId ?? "";
const pathOf = (table: ec2.RouteTable) => `/route-tables/${idOf(table)}`;
const subnetsOf = (table: ec2.RouteTable) => [...explicit(table, "SubnetId").keys()];

export default function RouteTablesPage() {
  const { t } = useTranslation(["route-tables", "common", "network"]);
  const navigate = useNavigate();
  const tables = useAws("ec2", "DescribeRouteTables", {});
  const remove = useAwsAction("ec2", "DeleteRouteTable");
  return (
    <ListPage<ec2.RouteTable>
      title={t("title")}
      asked={tables}
      items={tables.data?.RouteTables}
      id={idOf}
      columns={[
        textColumn("name", t("common:name"), tagName),
        linkColumn("id", t("id"), idOf, pathOf),
        textColumn(
          "subnets",
          t("explicitSubnets"),
          (table) => subnetsOf(table).join(" "),
          (table) => {
            const [first, ...more] = subnetsOf(table);
            return more.length > 0 ? t("subnetCount", { count: more.length + 1 }) : <SubnetLink id={first} />;
          },
        ),
        textColumn("edges", t("edgeAssociations"), (table) => [...explicit(table, "GatewayId").keys()].join(", ")),
        textColumn("main", t("main"), (table) => (isMain(table) ? t("network:yes") : t("network:no"))),
        vpcColumn(),
        textColumn("owner", t("network:owner"), (table) => table.OwnerId),
      ]}
      empty={{ title: t("empty") }}
      create={{ text: t("create.title"), to: "/route-tables/create" }}
      actions={([table]) => {
        const go = (part: string) => () => table && void navigate(`${pathOf(table)}/${part}`);
        return [
          { id: "edit-routes", text: t("edit.title"), run: go("routes") },
          { id: "edit-subnets", text: t("subnets.edit"), run: go("subnets") },
          { id: "edit-edges", text: t("edges.edit"), run: go("edges") },
        ];
      }}
      remove={{
        text: t("delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("delete")}
            names={chosen.map((one) => idAndName(idOf(one), one))}
            onConfirm={() => Promise.all(chosen.map((one) => remove.mutateAsync({ RouteTableId: idOf(one) })))}
            onClose={close}
          />
        ),
      }}
    />
  );
}
