import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { idAndName } from "../../common/names";
import { byZone } from "./subnets";

/** Zones of a VPC to tick, each with its subnet: a load balancer has one in each zone. */
export function SubnetChoice({
  vpc,
  chosen,
  onChange,
  kept = {},
  disabled = false,
}: {
  vpc: string;
  /** Zone -> subnet. */
  chosen: Readonly<Record<string, string>>;
  onChange: (chosen: Record<string, string>) => void;
  /** Zones that are enabled already, and cannot be taken away. */
  kept?: Readonly<Record<string, string>>;
  disabled?: boolean;
}) {
  const { t } = useTranslation("load-balancers");
  const { data } = useAws(
    "ec2",
    "DescribeSubnets",
    { Filters: [{ Name: "vpc-id", Values: [vpc] }] },
    { enabled: vpc !== "" },
  );
  if (vpc === "") return <Box color="text-body-secondary">{t("wizard.vpcFirst")}</Box>;
  const zones = byZone(data?.Subnets ?? [], vpc);
  if (data && zones.length === 0) return <Box color="text-body-secondary">{t("wizard.noSubnets")}</Box>;
  return (
    <SpaceBetween size="s">
      {zones.map(({ zone, subnets }) => {
        const options = subnets.map((subnet) => ({
          value: subnet.SubnetId ?? "",
          label: idAndName(subnet.SubnetId, subnet),
          description: t("wizard.subnetOf", {
            cidr: subnet.CidrBlock ?? "",
            count: subnet.AvailableIpAddressCount ?? 0,
          }),
        }));
        const subnet = chosen[zone];
        const fixed = disabled || zone in kept;
        return (
          <SpaceBetween key={zone} size="xxs">
            <Checkbox
              data-testid={`zone-${zone}`}
              checked={subnet !== undefined}
              disabled={fixed}
              onChange={({ detail }) => {
                const others = Object.entries(chosen).filter(([name]) => name !== zone);
                const now = detail.checked ? [...others, [zone, options[0]?.value ?? ""]] : others;
                onChange(Object.fromEntries(now) as Record<string, string>);
              }}
            >
              {zone}
            </Checkbox>
            {subnet !== undefined && (
              <FormField label={t("wizard.subnet")}>
                <Select
                  data-testid={`subnet-${zone}`}
                  ariaLabel={t("wizard.subnetIn", { zone })}
                  disabled={fixed}
                  options={options}
                  selectedOption={options.find((one) => one.value === subnet) ?? { value: subnet, label: subnet }}
                  onChange={({ detail }) => {
                    onChange({ ...chosen, [zone]: detail.selectedOption.value ?? subnet });
                  }}
                />
              </FormField>
            )}
          </SpaceBetween>
        );
      })}
    </SpaceBetween>
  );
}
