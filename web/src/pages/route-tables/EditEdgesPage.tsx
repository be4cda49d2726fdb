import Spinner from "@cloudscape-design/components/spinner";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { tagName } from "../../common/names";
import { EditAssociations } from "./EditAssociations";

export default function EditEdgesPage() {
  const { t } = useTranslation("route-tables");
  const { id = "" } = useParams();
  const tables = useAws("ec2", "DescribeRouteTables", {});
  const gateways = useAws("ec2", "DescribeInternetGateways", {});
  const table = tables.data?.RouteTables?.find((one) => one.RouteTableId === id);
  const error = tables.error ?? gateways.error;
  if (error) return <ErrorAlert error={error} />;
  if (!table) return <Spinner size="large" />;
  return (
    <EditAssociations
      key={id}
      table={table}
      tables={(tables.data?.RouteTables ?? []).filter((one) => one.VpcId === table.VpcId)}
      side="GatewayId"
      title={t("edges.edit")}
      listTitle={t("edges.available")}
      tab="edges"
      items={gateways.data?.InternetGateways?.filter((one) =>
        one.Attachments?.some((attachment) => attachment.VpcId === table.VpcId),
      ).map((one) => ({
        id: one.InternetGatewayId ?? "",
        name: tagName(one),
        about: one.Attachments?.[0]?.VpcId ?? "",
      }))}
    />
  );
}
