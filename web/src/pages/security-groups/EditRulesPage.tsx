import Spinner from "@cloudscape-design/components/spinner";
import { useParams } from "react-router";
import { ErrorAlert } from "../../common/ErrorAlert";
import { EditRulesForm } from "./EditRulesForm";
import { useRules } from "./RulesTable";

/** Waits for the rules that are there, then hands them to the form, which from then on belongs to the user. */
export default function EditRulesPage() {
  const { id = "", direction: asked } = useParams();
  const direction = asked === "outbound" ? "outbound" : "inbound";
  const rules = useRules(id, direction);
  if (rules.error) return <ErrorAlert error={rules.error} />;
  if (!rules.data) return <Spinner size="large" />;
  return <EditRulesForm key={`${id}/${direction}`} group={id} direction={direction} before={rules.data} />;
}
