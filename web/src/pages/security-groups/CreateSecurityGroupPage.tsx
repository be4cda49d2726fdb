import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { Equivalent } from "../../common/Equivalent";
import { ErrorAlert } from "../../common/ErrorAlert";
import { fieldErrors } from "../../common/fieldErrors";
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
    <ContentLayout header={<Header variant="h1">{t("create.title")}</Header>}>
      <form
        data-testid="security-group-form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button formAction="none" variant="link" onClick={() => void navigate("/security-groups")}>
                {t("common:cancel")}
              </Button>
              <Button variant="primary" loading={create.isPending} data-testid="submit">
                {t("create.title")}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {errors.rest && <ErrorAlert error={errors.rest} />}
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
            <Equivalent calls={[{ service: "ec2", operation: "CreateSecurityGroup", parameters }]} />
          </SpaceBetween>
        </Form>
      </form>
    </ContentLayout>
  );
}
