import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { idAndName } from "../../common/names";

/** The group first, with AWS's default of all outbound traffic; its rules are edited on the page that follows. */
export default function CreateSecurityGroupPage() {
  const { t } = useTranslation(["security-groups", "common"]);
  const navigate = useNavigate();
  const vpcs = useAws("ec2", "DescribeVpcs", {});
  const create = useAwsAction("ec2", "CreateSecurityGroup");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [vpc, setVpc] = useState<string | null>(null);

  const options = (vpcs.data?.Vpcs ?? []).map((one) => ({ value: one.VpcId ?? "", label: idAndName(one.VpcId, one) }));
  const parameters = { GroupName: name, Description: description, VpcId: vpc ?? undefined };
  const errors = fieldErrors(create.error, {
    name: /GroupName|group name|Duplicate/i,
    description: /Description/i,
    vpc: /vpc/i,
  });
  const submit = () => {
    create.mutate(parameters, {
      onSuccess: (made) => void navigate(`/security-groups/${made.GroupId ?? ""}/inbound`),
    });
  };

  return (
    <FormPage
      title={t("create.title")}
      submitText={t("create.title")}
      onSubmit={submit}
      busy={create.isPending}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "CreateSecurityGroup", parameters }]}
      back="/security-groups"
      testId="security-group-form"
    >
      <Container header={<Header variant="h2">{t("details")}</Header>}>
        <SpaceBetween size="l">
          <FormField label={t("groupName")} errorText={errors.at("name")} description={t("create.nameHint")}>
            <Input
              value={name}
              data-testid="name"
              onChange={({ detail }) => {
                setName(detail.value);
              }}
            />
          </FormField>
          <FormField label={t("description")} errorText={errors.at("description")}>
            <Input
              value={description}
              data-testid="description"
              onChange={({ detail }) => {
                setDescription(detail.value);
              }}
            />
          </FormField>
          <FormField label="VPC" errorText={errors.at("vpc")}>
            <Select
              data-testid="vpc"
              selectedOption={options.find((one) => one.value === vpc) ?? null}
              options={options}
              filteringType="auto"
              placeholder={t("create.chooseVpc")}
              onChange={({ detail }) => {
                setVpc(detail.selectedOption.value ?? null);
              }}
            />
          </FormField>
        </SpaceBetween>
      </Container>
    </FormPage>
  );
}
