import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { targetGroupPath } from "../../common/paths";
import { TagFields } from "../../common/TagFields";
import { useSubmit } from "../../common/useCalls";
import { VpcSelect } from "../../common/VpcSelect";
import { createInput, EMPTY_GROUP, GROUP_RULES, type GroupDraft } from "./form/draft";
import { GroupFields } from "./form/GroupFields";
import { HealthCheckFields } from "./form/HealthCheckFields";

/** Creates the group and leads on to registering its targets. */
export default function CreateTargetGroupPage() {
  const { t } = useTranslation("target-groups");
  const navigate = useNavigate();
  const [draft, setDraft] = useState<GroupDraft>(EMPTY_GROUP);
  const [vpc, setVpc] = useState("");
  const input = createInput(draft, vpc);
  const form = useSubmit(
    (call) => call("elbv2", "CreateTargetGroup", input),
    (answer) => {
      const arn = answer.TargetGroups?.[0]?.TargetGroupArn ?? "";
      void navigate(`${targetGroupPath(arn)}/register`);
    },
  );
  const errors = fieldErrors(form.problem, GROUP_RULES);
  const change = (part: Partial<GroupDraft>) => {
    setDraft((before) => ({ ...before, ...part }));
  };
  return (
    <FormPage
      title={t("create")}
      description={t("createWhat")}
      submitText={t("create")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "elbv2", operation: "CreateTargetGroup", parameters: input }]}
      back="/target-groups"
      testId="target-group-form"
    >
      <Container header={<Header variant="h2">{t("basics")}</Header>}>
        <SpaceBetween size="m">
          <GroupFields draft={draft} onChange={change} errorAt={errors.at} />
          <FormField label="VPC" description={t("vpcWhat")} errorText={errors.at("group.vpc")}>
            <VpcSelect value={vpc} onChange={setVpc} />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("check.title")}</Header>}>
        <HealthCheckFields
          check={draft.check}
          errorAt={errors.at}
          onChange={(part) => {
            change({ check: { ...draft.check, ...part } });
          }}
        />
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <FormField errorText={errors.at("group.tags")} stretch>
          <TagFields
            tags={draft.tags}
            onChange={(tags) => {
              change({ tags });
            }}
          />
        </FormField>
      </Container>
    </FormPage>
  );
}
