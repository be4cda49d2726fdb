import Spinner from "@cloudscape-design/components/spinner";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { EditEntriesForm } from "./EditEntriesForm";
import { entriesOf, isLast, readEntry } from "./entries";

/** Waits for the rules that are there, then hands them to the form, which from then on belongs to the user. */
export default function EditEntriesPage() {
  const { id = "", direction: asked } = useParams();
  const direction = asked === "outbound" ? "outbound" : "inbound";
  const answer = useAws("ec2", "DescribeNetworkAcls", { NetworkAclIds: [id] });
  const acl = answer.data?.NetworkAcls?.find((one) => one.NetworkAclId === id);
  if (answer.error) return <ErrorAlert error={answer.error} />;
  if (!acl) return <Spinner size="large" />;
  const before = entriesOf(acl, direction)
    .filter((one) => !isLast(one))
    .map(readEntry);
  return <EditEntriesForm key={`${id}/${direction}`} acl={id} direction={direction} before={before} />;
}
