import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Spinner from "@cloudscape-design/components/spinner";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { ErrorAlert } from "../../common/ErrorAlert";
import { EditRulesForm } from "./EditRulesForm";
import { useRules } from "./RulesTable";

/** Waits for the rules that are there, then hands them to the form, which from then on belongs to the user. */
export default function EditRulesPage() {
  const { t } = useTranslation("security-groups");
  const { id = "", direction: asked } = useParams();
  const direction = asked === "outbound" ? "outbound" : "inbound";
  const rules = useRules(id, direction);
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={id}>
          {t(`rules.editOf.${direction}`)}
        </Header>
      }
    >
      {rules.error && <ErrorAlert error={rules.error} />}
      {rules.data ? (
        <EditRulesForm key={`${id}/${direction}`} group={id} direction={direction} before={rules.data} />
      ) : (
        <Spinner />
      )}
    </ContentLayout>
  );
}
