import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { TagFields } from "../../common/TagFields";
import { type Tag, tagSpecifications } from "../../common/tags";
import { useSubmit } from "../../common/useCalls";
import { VpcSelect } from "../../common/VpcSelect";
import type { ec2 } from "../../generated/aws";
import { AwsServiceChoice } from "./AwsServiceChoice";
import { FindService } from "./FindService";
import { addressTypes, parametersOf } from "./service";
import { SubnetChoice } from "./SubnetChoice";

type Category = "other" | "aws";

export default function CreateEndpointPage() {
  const { t } = useTranslation(["endpoints", "network", "tags", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [name, setName] = useState("");
  const [category, setCategory] = useState<Category>("other");
  const [serviceName, setServiceName] = useState("");
  const [service, setService] = useState<ec2.ServiceDetail | null>(null);
  const [vpc, setVpc] = useState("");
  const [subnets, setSubnets] = useState<readonly string[]>([]);
  const [addressType, setAddressType] = useState("ipv4");
  const [tags, setTags] = useState<Tag[]>([]);
  const parameters = {
    ...parametersOf({ service: serviceName, vpc, subnets, addressType }, service),
    TagSpecifications: tagSpecifications("vpc-endpoint", name, tags),
  };
  const form = useSubmit(
    (call) => call("ec2", "CreateVpcEndpoint", parameters),
    ({ VpcEndpoint }) => {
      const id = VpcEndpoint?.VpcEndpointId ?? "";
      notify.success(t("create.done", { id }));
      void navigate(`/endpoints/${id}`);
    },
  );
  const errors = fieldErrors(form.problem, {
    addressType: /IP address type/i,
    subnets: /subnet|availability zone/i,
    service: /service/i,
    vpc: /vpc/i,
    name: /tag/i,
  });
  const choose = (text: string, found: ec2.ServiceDetail | null) => {
    setServiceName(text);
    setService(found);
  };
  return (
    <FormPage
      title={t("create.title")}
      description={t("create.what")}
      submitText={t("create.title")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "CreateVpcEndpoint", parameters }]}
      back="/endpoints"
      testId="endpoint-form"
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
          <FormField label={t("category.title")}>
            <RadioGroup
              data-testid="category"
              value={category}
              items={[
                { value: "aws", label: t("category.aws"), description: t("category.awsWhat") },
                { value: "other", label: t("category.other"), description: t("category.otherWhat") },
              ]}
              onChange={({ detail }) => {
                setCategory(detail.value === "aws" ? "aws" : "other");
                choose("", null);
                setSubnets([]);
              }}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      {category === "other" ? (
        <FindService value={serviceName} found={service} onChange={choose} errorText={errors.at("service")} />
      ) : (
        <AwsServiceChoice value={serviceName} onChange={choose} errorText={errors.at("service")} />
      )}
      <Container header={<Header variant="h2">VPC</Header>}>
        <FormField label="VPC" description={t("create.vpc")} errorText={errors.at("vpc")}>
          <VpcSelect
            value={vpc}
            onChange={(id) => {
              setVpc(id);
              setSubnets([]);
            }}
          />
        </FormField>
      </Container>
      <SubnetChoice
        vpc={vpc}
        service={service}
        several={category === "aws"}
        chosen={subnets}
        onChange={setSubnets}
        errorText={errors.at("subnets")}
      />
      <Container header={<Header variant="h2">{t("addressType")}</Header>}>
        <FormField errorText={errors.at("addressType")}>
          <RadioGroup
            data-testid="address-type"
            ariaLabel={t("addressType")}
            value={addressType}
            items={["ipv4", "dualstack"].map((one) => ({
              value: one,
              label: one === "ipv4" ? "IPv4" : "Dualstack",
              disabled: !addressTypes(service).includes(one),
              description: addressTypes(service).includes(one) ? undefined : t("addressTypeNot"),
            }))}
            onChange={({ detail }) => {
              setAddressType(detail.value);
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
