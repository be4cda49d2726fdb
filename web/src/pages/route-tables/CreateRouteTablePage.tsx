import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { TagFields } from "../../common/TagFields";
import { type Tag, tagSpecifications } from "../../common/tags";
import { useSubmit } from "../../common/useCalls";
import { VpcSelect } from "../../common/VpcSelect";

export default function CreateRouteTablePage() {
  const { t } = useTranslation(["route-tables", "network", "tags"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [query] = useSearchParams();
  const [name, setName] = useState("");
  const [vpc, setVpc] = useState(query.get("vpc") ?? "");
  const [tags, setTags] = useState<Tag[]>([]);
  const parameters = { VpcId: vpc, TagSpecifications: tagSpecifications("route-table", name, tags) };
  const form = useSubmit(
    (call) => call("ec2", "CreateRouteTable", parameters),
    ({ RouteTable }) => {
      const id = RouteTable?.RouteTableId ?? "";
      notify.success(t("create.done", { id }));
      void navigate(`/route-tables/${id}`);
    },
  );
  const errors = fieldErrors(form.problem, { name: /tag/i, vpc: /vpc/i });
  return (
    <FormPage
      title={t("create.title")}
      description={t("create.what")}
      submitText={t("create.title")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "CreateRouteTable", parameters }]}
      back="/route-tables"
      testId="route-table-form"
    >
      <Container header={<Header variant="h2">{t("create.settings")}</Header>}>
        <SpaceBetween size="l">
          <FormField
            label={t("network:nameOptional")}
            description={t("network:nameIsTag")}
            errorText={errors.at("name")}
          >
            <Input
              data-testid="name"
              value={name}
              onChange={({ detail }) => {
                setName(detail.value);
              }}
            />
          </FormField>
          <FormField label="VPC" description={t("create.vpc")} errorText={errors.at("vpc")}>
            <VpcSelect testId="vpc" value={vpc} onChange={setVpc} />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <TagFields tags={tags} onChange={setTags} />
      </Container>
    </FormPage>
  );
}
