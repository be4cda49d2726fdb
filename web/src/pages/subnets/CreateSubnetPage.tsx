import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { useAws } from "../../api/aws";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { TagFields } from "../../common/TagFields";
import { type Tag, tagSpecifications } from "../../common/tags";
import { useSubmit } from "../../common/useCalls";
import { VpcSelect } from "../../common/VpcSelect";

export default function CreateSubnetPage() {
  const { t } = useTranslation(["subnets", "network", "tags", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [query] = useSearchParams();
  const [vpc, setVpc] = useState(query.get("vpc") ?? "");
  const [name, setName] = useState("");
  const [zone, setZone] = useState("");
  const [cidr, setCidr] = useState("");
  const [ipv6, setIpv6] = useState("");
  const [tags, setTags] = useState<Tag[]>([]);
  const zones = useAws("ec2", "DescribeAvailabilityZones", {});
  const vpcs = useAws("ec2", "DescribeVpcs", {});
  const chosen = vpcs.data?.Vpcs?.find((one) => one.VpcId === vpc);
  const blocks = (chosen?.CidrBlockAssociationSet ?? []).map((one) => one.CidrBlock ?? "");
  const blocks6 = (chosen?.Ipv6CidrBlockAssociationSet ?? []).map((one) => one.Ipv6CidrBlock ?? "");
  const options = [
    { value: "", label: t("create.anyZone") },
    ...(zones.data?.AvailabilityZones ?? []).map((one) => ({ value: one.ZoneName ?? "", label: one.ZoneName })),
  ];
  const parameters = {
    VpcId: vpc,
    CidrBlock: cidr.trim(),
    AvailabilityZone: zone || undefined,
    Ipv6CidrBlock: ipv6.trim() || undefined,
    TagSpecifications: tagSpecifications("subnet", name, tags),
  };
  const form = useSubmit(
    (call) => call("ec2", "CreateSubnet", parameters),
    ({ Subnet }) => {
      const id = Subnet?.SubnetId ?? "";
      notify.success(t("create.done", { id }));
      void navigate(`/subnets/${id}`);
    },
  );
  const errors = fieldErrors(form.problem, {
    ipv6: /ipv6/i,
    cidr: /cidr|range|conflict/i,
    zone: /zone/i,
    vpc: /vpc/i,
    name: /tag/i,
  });
  return (
    <FormPage
      title={t("create.title")}
      submitText={t("create.title")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "CreateSubnet", parameters }]}
      back="/subnets"
      testId="subnet-form"
    >
      <Container header={<Header variant="h2">VPC</Header>}>
        <FormField
          label="VPC ID"
          description={t("create.vpc")}
          errorText={errors.at("vpc")}
          constraintText={blocks.length > 0 ? t("create.blocks", { blocks: [...blocks, ...blocks6].join(", ") }) : ""}
        >
          <VpcSelect value={vpc} onChange={setVpc} />
        </FormField>
      </Container>
      <Container header={<Header variant="h2">{t("create.settings")}</Header>}>
        <SpaceBetween size="l">
          <FormField label={t("create.name")} description={t("network:nameIsTag")} errorText={errors.at("name")}>
            <Input
              data-testid="name"
              value={name}
              onChange={({ detail }) => {
                setName(detail.value);
              }}
            />
          </FormField>
          <FormField label={t("network:zone")} errorText={errors.at("zone")}>
            <Select
              data-testid="zone"
              options={options}
              selectedOption={options.find((one) => one.value === zone) ?? null}
              onChange={({ detail }) => {
                setZone(detail.selectedOption.value ?? "");
              }}
            />
          </FormField>
          <FormField label={t("create.cidr")} errorText={errors.at("cidr")}>
            <Input
              data-testid="cidr"
              value={cidr}
              placeholder="10.0.0.0/24"
              onChange={({ detail }) => {
                setCidr(detail.value);
              }}
            />
          </FormField>
          {blocks6.length > 0 && (
            <FormField label={t("create.ipv6")} errorText={errors.at("ipv6")}>
              <Input
                data-testid="ipv6"
                value={ipv6}
                placeholder={blocks6[0]?.replace(/\/\d+$/, "/64")}
                onChange={({ detail }) => {
                  setIpv6(detail.value);
                }}
              />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <TagFields tags={tags} onChange={setTags} />
      </Container>
    </FormPage>
  );
}
