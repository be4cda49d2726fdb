import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { Copyable } from "../../common/Copyable";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { TagsPanel } from "../../common/TagsPanel";
import { VpcLink } from "../../common/VpcLinks";
import { explicit, isMain } from "../../common/associations";
import { EdgesPanel } from "./EdgesPanel";
import { RoutesPanel } from "./RoutesPanel";
import { SetMain } from "./SetMain";
import { SubnetsPanel } from "./SubnetsPanel";

export default function RouteTablePage() {
  const { t } = useTranslation(["route-tables", "common", "network", "tags"]);
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const notify = useNotify();
  const { data, error } = useAws("ec2", "DescribeRouteTables", { RouteTableIds: [id] });
  const remove = useAwsAction("ec2", "DeleteRouteTable");
  const [asking, ask] = useState<"delete" | "main" | null>(null);
  const table = data?.RouteTables?.find((one) => one.RouteTableId === id);
  const close = () => {
    ask(null);
  };
  return (
    <>
      <DetailPage
        title={idAndName(id, table ?? {})}
        error={error}
        ready={table !== undefined}
        actions={
          <Actions
            items={[
              {
                id: "set-main",
                text: t("setMain.title"),
                disabled: table && isMain(table),
                run: () => {
                  ask("main");
                },
              },
              { id: "edit-subnets", text: t("subnets.edit"), run: () => void navigate("subnets") },
              { id: "edit-edges", text: t("edges.edit"), run: () => void navigate("edges") },
              { id: "edit-routes", text: t("edit.title"), run: () => void navigate("routes") },
              {
                id: "delete",
                text: t("delete"),
                run: () => {
                  ask("delete");
                },
              },
            ]}
          />
        }
        details={[
          { label: t("id"), value: <Copyable text={id} /> },
          { label: t("main"), value: table && isMain(table) ? t("network:yes") : t("network:no") },
          {
            label: t("explicitSubnets"),
            value: t("subnetCount", { count: table ? explicit(table, "SubnetId").size : 0 }),
          },
          {
            label: t("edgeAssociations"),
            value: (table && [...explicit(table, "GatewayId").keys()].join(", ")) || t("common:none"),
          },
          { label: "VPC", value: <VpcLink id={table?.VpcId} /> },
          { label: t("network:owner"), value: table?.OwnerId ?? "" },
        ]}
        notice={<Findings resource={id} />}
        tabs={[
          { id: "routes", label: t("routes"), content: table && <RoutesPanel table={table} /> },
          { id: "subnets", label: t("subnets.title"), content: table && <SubnetsPanel table={table} /> },
          { id: "edges", label: t("edgeAssociations"), content: table && <EdgesPanel table={table} /> },
          { id: "tags", label: t("tags:title"), content: <TagsPanel id={id} tags={table?.Tags} /> },
        ]}
      />
      {asking === "main" && table && <SetMain table={table} onClose={close} />}
      {asking === "delete" && (
        <ConfirmDelete
          title={t("delete")}
          names={[idAndName(id, table ?? {})]}
          onConfirm={() =>
            remove.mutateAsync({ RouteTableId: id }).then(() => {
              notify.success(t("deleted", { id }));
              void navigate("/route-tables");
            })
          }
          onClose={close}
        />
      )}
    </>
  );
}
