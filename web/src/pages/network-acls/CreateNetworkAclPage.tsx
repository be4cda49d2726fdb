import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { nameTag } from "../../common/names";
import { useSubmit } from "../../common/useCalls";
import { VpcSelect } from "../../common/VpcSelect";

/** A new ACL denies everything until it has rules: its page, where they are added, comes next. */
export default function CreateNetworkAclPage() {
  const { t } = useTranslation(["network-acls", "network"]);
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [vpc, setVpc] = useState("");
  const parameters = { VpcId: vpc, TagSpecifications: nameTag("network-acl", name) };
  const form = useSubmit(
    (call) => call("ec2", "CreateNetworkAcl", parameters),
    (made) => void navigate(`/network-acls/${made.NetworkAcl?.NetworkAclId ?? ""}/inbound`),
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
      calls={[{ service: "ec2", operation: "CreateNetworkAcl", parameters }]}
      back="/network-acls"
      testId="network-acl-form"
    >
      <Container header={<Header variant="h2">{t("create.settings")}</Header>}>
        <SpaceBetween size="l">
          <FormField label={t("network:nameOptional")} errorText={errors.at("name")}>
            <Input
              data-testid="name"
              value={name}
              onChange={({ detail }) => {
                setName(detail.value);
              }}
            />
          </FormField>
          <FormField label="VPC" errorText={errors.at("vpc")}>
            <VpcSelect value={vpc} onChange={setVpc} />
          </FormField>
        </SpaceBetween>
      </Container>
    </FormPage>
  );
}
