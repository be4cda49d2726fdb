import Spinner from "@cloudscape-design/components/spinner";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { tagName } from "../../common/names";
import { EditAssociations } from "./EditAssociations";

export default function EditSubnetsPage() {
  const { t } = useTranslation("route-tables");
  const { id = "" } = useParams();
  const tables = useAws("ec2", "DescribeRouteTables", {});
  const subnets = useAws("ec2", "DescribeSubnets", {});
  const table = tables.data?.RouteTables?.find((one) => one.RouteTableId === id);
  const error = tables.error ?? subnets.error;
  if (error) return <ErrorAlert error={error} />;
  if (!table) return <Spinner size="large" />;
  return (
    <EditAssociations
      key={id}
      table={table}
      tables={(tables.data?.RouteTables ?? []).filter((one) => one.VpcId === table.VpcId)}
      side="SubnetId"
      title={t("subnets.edit")}
      listTitle={t("subnets.available")}
      tab="subnets"
      items={subnets.data?.Subnets?.filter((one) => one.VpcId === table.VpcId).map((one) => ({
        id: one.SubnetId ?? "",
        name: tagName(one),
        about: `${one.CidrBlock ?? ""} ${one.AvailabilityZone ?? ""}`,
      }))}
    />
  );
}
