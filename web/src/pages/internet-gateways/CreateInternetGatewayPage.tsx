import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { TagFields } from "../../common/TagFields";
import { type Tag, tagSpecifications } from "../../common/tags";
import { useSubmit } from "../../common/useCalls";

export default function CreateInternetGatewayPage() {
  const { t } = useTranslation(["internet-gateways", "network", "tags"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [name, setName] = useState("");
  const [tags, setTags] = useState<Tag[]>([]);
  const parameters = { TagSpecifications: tagSpecifications("internet-gateway", name, tags) };
  const form = useSubmit(
    (call) => call("ec2", "CreateInternetGateway", parameters),
    ({ InternetGateway }) => {
      const id = InternetGateway?.InternetGatewayId ?? "";
      notify.success(t("create.done", { id }));
      void navigate(`/internet-gateways/${id}`);
    },
  );
  const errors = fieldErrors(form.problem, { name: /tag/i });
  return (
    <FormPage
      title={t("create.title")}
      description={t("create.what")}
      submitText={t("create.title")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "CreateInternetGateway", parameters }]}
      back="/internet-gateways"
      testId="internet-gateway-form"
    >
      <Container header={<Header variant="h2">{t("create.settings")}</Header>}>
        <FormField label={t("network:nameOptional")} description={t("network:nameIsTag")} errorText={errors.at("name")}>
          <Input
            data-testid="name"
            value={name}
            onChange={({ detail }) => {
              setName(detail.value);
            }}
          />
        </FormField>
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <TagFields tags={tags} onChange={setTags} />
      </Container>
    </FormPage>
  );
}
