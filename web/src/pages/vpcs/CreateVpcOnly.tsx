import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { TagFields } from "../../common/TagFields";
import { type Tag, tagSpecifications } from "../../common/tags";
import { useSubmit } from "../../common/useCalls";

export function CreateVpcOnly({ children }: { children: ReactNode }) {
  const { t } = useTranslation(["vpcs", "network", "tags"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [name, setName] = useState("");
  const [cidr, setCidr] = useState("");
  const [ipv6, setIpv6] = useState(false);
  const [tags, setTags] = useState<Tag[]>([]);
  const parameters = {
    CidrBlock: cidr.trim(),
    AmazonProvidedIpv6CidrBlock: ipv6 || undefined,
    TagSpecifications: tagSpecifications("vpc", name, tags),
  };
  const form = useSubmit(
    (call) => call("ec2", "CreateVpc", parameters),
    ({ Vpc }) => {
      const id = Vpc?.VpcId ?? "";
      notify.success(t("create.done", { id }));
      void navigate(`/vpcs/${id}`);
    },
  );
  const errors = fieldErrors(form.problem, { cidr: /cidr|range|block/i, name: /tag/i });
  return (
    <FormPage
      title={t("create.title")}
      description={t("create.what")}
      submitText={t("create.title")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "CreateVpc", parameters }]}
      back="/vpcs"
      testId="vpc-form"
    >
      {children}
      <Container>
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
          <FormField label="IPv4 CIDR" constraintText={t("create.size")} errorText={errors.at("cidr")}>
            <Input
              data-testid="cidr"
              value={cidr}
              placeholder="10.0.0.0/16"
              onChange={({ detail }) => {
                setCidr(detail.value);
              }}
            />
          </FormField>
          <FormField label={t("create.ipv6")}>
            <Checkbox
              data-testid="ipv6"
              checked={ipv6}
              onChange={({ detail }) => {
                setIpv6(detail.checked);
              }}
            >
              {t("create.amazonIpv6")}
            </Checkbox>
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <TagFields tags={tags} onChange={setTags} />
      </Container>
    </FormPage>
  );
}
