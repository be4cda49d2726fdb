import Select from "@cloudscape-design/components/select";
import { useTranslation } from "react-i18next";
import { useTargetGroups } from "../target-groups/groups";

/** A target group that a load balancer of the VPC may use: of the same VPC, and of no other load balancer. */
export function GroupSelect({
  vpc,
  value,
  onChange,
  loadBalancer,
}: {
  vpc: string;
  value: string;
  onChange: (arn: string) => void;
  /** The load balancer whose own group may be chosen too. */
  loadBalancer?: string;
}) {
  const { t } = useTranslation("load-balancers");
  const { data, isPending } = useTargetGroups();
  const options = (data?.TargetGroups ?? [])
    .filter((one) => one.VpcId === vpc)
    .map((one) => {
      const taken = one.LoadBalancerArns?.some((arn) => arn !== loadBalancer) ?? false;
      return {
        value: one.TargetGroupArn ?? "",
        label: one.TargetGroupName ?? "",
        description: t("wizard.groupIs", {
          type: t(`target-groups:types.${one.TargetType === "ip" ? "ip" : "instance"}`),
          protocol: one.HealthCheckProtocol ?? "",
          port: one.HealthCheckPort ?? "",
        }),
        disabled: taken,
        disabledReason: taken ? t("wizard.taken") : undefined,
      };
    });
  return (
    <Select
      data-testid="existing"
      selectedOption={options.find((one) => one.value === value) ?? null}
      placeholder={t("wizard.chooseGroup")}
      empty={t("wizard.noGroups")}
      statusType={isPending ? "loading" : "finished"}
      filteringType="auto"
      options={options}
      onChange={({ detail }) => {
        onChange(detail.selectedOption.value ?? "");
      }}
    />
  );
}
