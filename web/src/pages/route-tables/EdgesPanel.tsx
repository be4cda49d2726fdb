import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import type { ec2 } from "../../generated/aws";
import { explicit } from "../../common/associations";

/** The tab "Edge associations": gateways whose incoming packets ask this table. */
export function EdgesPanel({ table }: { table: ec2.RouteTable }) {
  const { t } = useTranslation(["route-tables", "common"]);
  const navigate = useNavigate();
  const gateways = useAws("ec2", "DescribeInternetGateways", {
    Filters: [{ Name: "attachment.vpc-id", Values: [table.VpcId ?? ""] }],
  });
  const own = explicit(table, "GatewayId");
  return (
    <ResourceTable<ec2.InternetGateway>
      title={t("edges.title")}
      variant="container"
      items={gateways.data?.InternetGateways?.filter((one) => own.has(one.InternetGatewayId ?? ""))}
      loading={gateways.isPending}
      error={gateways.error}
      id={(one) => one.InternetGatewayId ?? ""}
      columns={[
        textColumn(
          "id",
          "ID",
          (one) => one.InternetGatewayId,
          (one) => (
            <ResourceLink to={`/internet-gateways/${one.InternetGatewayId ?? ""}`}>
              {one.InternetGatewayId}
            </ResourceLink>
          ),
        ),
        textColumn("name", t("common:name"), tagName),
        textColumn(
          "state",
          t("common:state"),
          () => "associated",
          () => <StateOf state="associated" />,
        ),
      ]}
      empty={{ title: t("edges.none"), description: t("edges.noneExplained") }}
      actions={
        <Button
          data-testid="edit-edges"
          onClick={() => void navigate(`/route-tables/${table.RouteTableId ?? ""}/edges`)}
        >
          {t("edges.edit")}
        </Button>
      }
    />
  );
}
