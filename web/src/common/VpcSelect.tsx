import Select, { type SelectProps } from "@cloudscape-design/components/select";
import { useTranslation } from "react-i18next";
import { useAws } from "../api/aws";
import { idAndName } from "./names";

/** Chooses a VPC. Belongs into a FormField. */
export function VpcSelect({
  value,
  onChange,
  disabled = false,
  testId = "vpc",
}: {
  value: string;
  onChange: (id: string) => void;
  disabled?: boolean;
  testId?: string;
}) {
  const { t } = useTranslation("network");
  const vpcs = useAws("ec2", "DescribeVpcs", {});
  const options = (vpcs.data?.Vpcs ?? []).map((vpc): SelectProps.Option => ({
    value: vpc.VpcId,
    label: idAndName(vpc.VpcId, vpc),
    description: vpc.CidrBlock,
  }));
  return (
    <Select
      data-testid={testId}
      disabled={disabled}
      placeholder={t("chooseVpc")}
      filteringType="auto"
      statusType={vpcs.isPending ? "loading" : "finished"}
      empty={t("noVpcs")}
      options={options}
      selectedOption={options.find((one) => one.value === value) ?? null}
      onChange={({ detail }) => {
        onChange(detail.selectedOption.value ?? "");
      }}
    />
  );
}
