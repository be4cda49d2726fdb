import Spinner from "@cloudscape-design/components/spinner";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { EditRoutesForm } from "./EditRoutesForm";

export default function EditRoutesPage() {
  const { id = "" } = useParams();
  const { data, error } = useAws("ec2", "DescribeRouteTables", { RouteTableIds: [id] });
  const table = data?.RouteTables?.find((one) => one.RouteTableId === id);
  if (table) return <EditRoutesForm key={id} table={table} />;
  return error ? <ErrorAlert error={error} /> : <Spinner size="large" />;
}
