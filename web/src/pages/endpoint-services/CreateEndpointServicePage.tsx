import Checkbox from "@cloudscape-design/components/checkbox";
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
import { AddressTypes } from "./AddressTypes";
import { LoadBalancerChoice } from "./LoadBalancerChoice";

const OPERATION = "CreateVpcEndpointServiceConfiguration";

export default function CreateEndpointServicePage() {
  const { t } = useTranslation(["endpoint-services", "network", "tags", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [name, setName] = useState("");
  const [balancers, setBalancers] = useState<readonly string[]>([]);
  const [acceptance, setAcceptance] = useState(true);
  const [types, setTypes] = useState<readonly string[]>(["ipv4"]);
  const [tags, setTags] = useState<Tag[]>([]);
  const parameters = {
    GatewayLoadBalancerArns: [...balancers],
    AcceptanceRequired: acceptance,
    SupportedIpAddressTypes: [...types],
    TagSpecifications: tagSpecifications("vpc-endpoint-service", name, tags),
  };
  const form = useSubmit(
    (call) => call("ec2", OPERATION, parameters),
    ({ ServiceConfiguration }) => {
      const id = ServiceConfiguration?.ServiceId ?? "";
      notify.success(t("create.done", { id }));
      void navigate(`/endpoint-services/${id}`);
    },
  );
  const errors = fieldErrors(form.problem, {
    types: /IP address type/i,
    balancers: /load.?balancer/i,
    name: /tag/i,
  });
  return (
    <FormPage
      title={t("create.title")}
      description={t("create.what")}
      submitText={t("create.submit")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: OPERATION, parameters }]}
      back="/endpoint-services"
      testId="endpoint-service-form"
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
          <FormField label={t("balancerType")}>
            <RadioGroup
              data-testid="type"
              value="gateway"
              items={[
                { value: "network", label: t("types.network"), description: t("types.networkNot"), disabled: true },
                { value: "gateway", label: t("types.gateway"), description: t("types.gatewayWhat") },
              ]}
              onChange={() => undefined}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      <LoadBalancerChoice chosen={balancers} onChange={setBalancers} errorText={errors.at("balancers")} />
      <Container header={<Header variant="h2">{t("additional")}</Header>}>
        <SpaceBetween size="l">
          <FormField label={t("requireAcceptance")} description={t("requireAcceptanceWhat")}>
            <Checkbox
              data-testid="acceptance"
              checked={acceptance}
              onChange={({ detail }) => {
                setAcceptance(detail.checked);
              }}
            >
              {t("acceptanceRequired")}
            </Checkbox>
          </FormField>
          <FormField label={t("addressTypes")} errorText={errors.at("types")}>
            <AddressTypes chosen={types} onChange={setTypes} />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <TagFields tags={tags} onChange={setTags} />
      </Container>
    </FormPage>
  );
}
