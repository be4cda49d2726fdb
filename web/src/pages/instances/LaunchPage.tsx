import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { useAws, useAwsAction } from "../../api/aws";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { groupOptions, type Launch, refusedProduct, runParameters } from "./instances";
import { TermsFirst } from "./TermsFirst";

const FIRST: Launch = {
  name: "",
  image: null,
  type: "t3.micro",
  vpc: null,
  subnet: null,
  groups: [],
  publicAddress: false,
  userData: "",
  count: "1",
};

const RULES = {
  image: /ImageId|image id|ami-|AMI|OptInRequired|PendingVerification|terms/i,
  type: /InstanceType/i,
  subnet: /subnet/i,
  groups: /group/i,
  userData: /user ?data/i,
  count: /MinCount|MaxCount|InstanceLimit|count/i,
};

export default function LaunchPage() {
  const { t } = useTranslation(["instances", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [query] = useSearchParams();
  const [launch, setLaunch] = useState<Launch>({ ...FIRST, image: query.get("image") });
  const set = (part: Partial<Launch>) => {
    setLaunch((before) => ({ ...before, ...part }));
  };
  const run = useAwsAction("ec2", "RunInstances");
  const choices = useChoices(launch.vpc);
  const parameters = runParameters(launch);
  const errors = fieldErrors(run.error, RULES);
  const product = refusedProduct(run.error?.code, choices.images.find((one) => one.value === launch.image)?.image);
  const submit = () => {
    run.mutate(parameters, {
      onSuccess: (made) => {
        notify.success(t("launch.done", { count: made.Instances?.length ?? 0 }));
        void navigate("/instances");
      },
    });
  };
  return (
    <FormPage
      title={t("launch.title")}
      submitText={t("launch.title")}
      onSubmit={submit}
      busy={run.isPending}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "RunInstances", parameters }]}
      back="/instances"
      testId="instance-form"
    >
      <Container header={<Header variant="h2">{t("launch.what")}</Header>}>
        <SpaceBetween size="l">
          <FormField label={t("common:name")}>
            <Input
              value={launch.name}
              data-testid="name"
              onChange={({ detail }) => {
                set({ name: detail.value });
              }}
            />
          </FormField>
          <FormField
            label={t("image")}
            errorText={errors.at("image")}
            description={t("launch.imageHint")}
            secondaryControl={product && <TermsFirst code={product} onAccepted={run.reset} />}
          >
            <Select
              data-testid="image"
              filteringType="auto"
              options={choices.images}
              selectedOption={choices.images.find((one) => one.value === launch.image) ?? null}
              placeholder={t("launch.choose")}
              onChange={({ detail }) => {
                set({ image: detail.selectedOption.value ?? null });
              }}
            />
          </FormField>
          <FormField label={t("type")} errorText={errors.at("type")}>
            <Select
              data-testid="type"
              filteringType="auto"
              options={choices.types}
              selectedOption={{ value: launch.type, label: launch.type }}
              onChange={({ detail }) => {
                set({ type: detail.selectedOption.value ?? launch.type });
              }}
            />
          </FormField>
          <FormField label={t("launch.count")} errorText={errors.at("count")}>
            <Input
              value={launch.count}
              inputMode="numeric"
              data-testid="count"
              onChange={({ detail }) => {
                set({ count: detail.value });
              }}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("launch.network")}</Header>}>
        <SpaceBetween size="l">
          <FormField label="VPC">
            <Select
              data-testid="vpc"
              filteringType="auto"
              options={choices.vpcs}
              selectedOption={choices.vpcs.find((one) => one.value === launch.vpc) ?? null}
              placeholder={t("launch.choose")}
              onChange={({ detail }) => {
                set({ vpc: detail.selectedOption.value ?? null, subnet: null, groups: [] });
              }}
            />
          </FormField>
          <FormField label={t("subnet")} errorText={errors.at("subnet")}>
            <Select
              data-testid="subnet"
              disabled={launch.vpc === null}
              options={choices.subnets}
              selectedOption={choices.subnets.find((one) => one.value === launch.subnet) ?? null}
              placeholder={t("launch.choose")}
              onChange={({ detail }) => {
                set({ subnet: detail.selectedOption.value ?? null });
              }}
            />
          </FormField>
          <FormField label={t("groups")} errorText={errors.at("groups")} description={t("launch.groupsHint")}>
            <Multiselect
              data-testid="groups"
              disabled={launch.vpc === null}
              options={choices.groups}
              selectedOptions={choices.groups.filter((one) => launch.groups.includes(one.value))}
              placeholder={t("launch.choose")}
              onChange={({ detail }) => {
                set({ groups: detail.selectedOptions.map((one) => one.value ?? "") });
              }}
            />
          </FormField>
          <Checkbox
            checked={launch.publicAddress}
            data-testid="public"
            onChange={({ detail }) => {
              set({ publicAddress: detail.checked });
            }}
          >
            {t("launch.public")}
          </Checkbox>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("launch.boot")}</Header>}>
        <FormField
          label={t("launch.userData")}
          errorText={errors.at("userData")}
          description={t("launch.userDataHint")}
          stretch
        >
          <Textarea
            value={launch.userData}
            rows={8}
            data-testid="userData"
            onChange={({ detail }) => {
              set({ userData: detail.value });
            }}
          />
        </FormField>
      </Container>
    </FormPage>
  );
}

/** What can be chosen: subnets and groups of the chosen VPC. */
function useChoices(vpc: string | null) {
  const filters = { Filters: [{ Name: "vpc-id", Values: [vpc ?? ""] }] };
  const enabled = { enabled: vpc !== null };
  const images = useAws("ec2", "DescribeImages", {}).data?.Images ?? [];
  const types = useAws("ec2", "DescribeInstanceTypes", {}).data?.InstanceTypes ?? [];
  const vpcs = useAws("ec2", "DescribeVpcs", {}).data?.Vpcs ?? [];
  const subnets = useAws("ec2", "DescribeSubnets", filters, enabled).data?.Subnets ?? [];
  const groups = useAws("ec2", "DescribeSecurityGroups", filters, enabled).data?.SecurityGroups ?? [];
  return {
    images: images.map((one) => ({
      value: one.ImageId ?? "",
      label: one.Name ?? one.ImageId,
      description: one.Description,
      labelTag: one.ImageId,
      image: one,
    })),
    types: types.map((one) => ({ value: one.InstanceType ?? "", label: one.InstanceType })),
    vpcs: vpcs.map((one) => ({ value: one.VpcId ?? "", label: idAndName(one.VpcId, one), description: one.CidrBlock })),
    subnets:
      vpc === null
        ? []
        : subnets.map((one) => ({
            value: one.SubnetId ?? "",
            label: idAndName(one.SubnetId, one),
            description: `${one.AvailabilityZone ?? ""} ${one.CidrBlock ?? ""}`,
          })),
    groups: vpc === null ? [] : groupOptions(groups),
  };
}
