import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { TagFields } from "../../../common/TagFields";
import { VpcSelect } from "../../../common/VpcSelect";
import { SubnetChoice } from "../SubnetChoice";
import type { StepProps } from "./step";

/** Step 1: name, address type, VPC, one subnet for each zone. */
export function ConfigureStep({ draft, change, errorAt, made }: StepProps) {
  const { t } = useTranslation("load-balancers");
  const fixed = made.loadBalancer !== undefined;
  return (
    <SpaceBetween size="l">
      {fixed && <Alert type="info">{t("wizard.fixedLoadBalancer", { name: draft.name })}</Alert>}
      <Container header={<Header variant="h2">{t("wizard.basic")}</Header>}>
        <SpaceBetween size="m">
          <FormField
            label={t("wizard.name")}
            description={t("wizard.nameWhat")}
            constraintText={t("wizard.nameLimit")}
            errorText={errorAt("name")}
          >
            <Input
              data-testid="name"
              value={draft.name}
              disabled={fixed}
              onChange={({ detail }) => {
                change({ name: detail.value });
              }}
            />
          </FormField>
          <FormField label={t("ipAddressType")} errorText={errorAt("ipAddressType")} stretch>
            <RadioGroup
              data-testid="ip-address-type"
              ariaLabel={t("ipAddressType")}
              value={draft.ipAddressType}
              items={(["ipv4", "dualstack"] as const).map((value) => ({
                value,
                label: t(`ipTypes.${value}`),
                description: t(`ipTypes.${value}What`),
                disabled: fixed,
              }))}
              onChange={({ detail }) => {
                change({ ipAddressType: detail.value === "dualstack" ? "dualstack" : "ipv4" });
              }}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container
        header={
          <Header variant="h2" description={t("wizard.networkWhat")}>
            {t("networkMapping")}
          </Header>
        }
      >
        <SpaceBetween size="m">
          <FormField label="VPC" description={t("wizard.vpcWhat")} errorText={errorAt("vpc")}>
            <VpcSelect
              value={draft.vpc}
              disabled={fixed}
              onChange={(vpc) => {
                if (vpc !== draft.vpc) change({ vpc, subnets: {}, existing: "", targets: [] });
              }}
            />
          </FormField>
          <FormField
            label={t("wizard.mappings")}
            description={t("wizard.mappingsWhat")}
            errorText={errorAt("subnets")}
            stretch
          >
            <SubnetChoice
              vpc={draft.vpc}
              chosen={draft.subnets}
              disabled={fixed}
              onChange={(subnets) => {
                change({ subnets });
              }}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">{t("tags:title")}</Header>}>
        <FormField errorText={errorAt("tags")} stretch>
          <TagFields
            tags={draft.tags}
            onChange={(tags) => {
              if (!fixed) change({ tags });
            }}
          />
        </FormField>
      </Container>
    </SpaceBetween>
  );
}
