import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { idAndName } from "../../common/names";
import type { ec2 } from "../../generated/aws";
import { outsideZones } from "./service";

/** Subnets of a VPC; those in zones that the service does not have are greyed, with the reason. */
export function SubnetChoice(props: {
  vpc: string;
  service: ec2.ServiceDetail | null;
  /** Interface endpoints have one in each zone, Gateway Load Balancer endpoints exactly one. */
  several: boolean;
  chosen: readonly string[];
  onChange: (subnets: string[]) => void;
  errorText?: string | undefined;
}) {
  const { t } = useTranslation("endpoints");
  const { data } = useAws(
    "ec2",
    "DescribeSubnets",
    { Filters: [{ Name: "vpc-id", Values: [props.vpc] }] },
    { enabled: props.vpc !== "" },
  );
  const subnets = props.vpc === "" ? [] : (data?.Subnets ?? []);
  const options = subnets.map((one) => ({
    value: one.SubnetId,
    label: idAndName(one.SubnetId, one),
    labelTag: one.AvailabilityZone,
    description: one.CidrBlock,
    disabled: outsideZones(props.service, one),
    disabledReason: t("zoneNot", { zone: one.AvailabilityZone }),
  }));
  const chosen = options.filter((one) => props.chosen.includes(one.value ?? ""));
  const common = {
    "data-testid": "subnet",
    options,
    placeholder: props.vpc === "" ? t("chooseVpcFirst") : t("chooseSubnet"),
    disabled: props.vpc === "",
    empty: t("noSubnets"),
  };
  return (
    <Container header={<Header variant="h2">{t("subnets")}</Header>}>
      <FormField
        label={t("subnet")}
        description={props.several ? t("subnetEach") : t("subnetOne")}
        errorText={props.errorText}
      >
        {props.several ? (
          <Multiselect
            {...common}
            selectedOptions={chosen}
            onChange={({ detail }) => {
              props.onChange(detail.selectedOptions.flatMap((one) => one.value ?? []));
            }}
          />
        ) : (
          <Select
            {...common}
            selectedOption={chosen[0] ?? null}
            onChange={({ detail }) => {
              props.onChange(detail.selectedOption.value ? [detail.selectedOption.value] : []);
            }}
          />
        )}
      </FormField>
    </Container>
  );
}
