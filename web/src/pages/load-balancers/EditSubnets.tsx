import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useSubmit } from "../../common/useCalls";
import type { elbv2 } from "../../generated/aws";
import { balancerArn } from "./balancers";
import { SubnetChoice } from "./SubnetChoice";

/** Adds zones: those that are enabled stay, as AWS has it for Gateway Load Balancers. */
export function EditSubnets({ balancer, onClose }: { balancer: elbv2.LoadBalancer; onClose: () => void }) {
  const { t } = useTranslation("load-balancers");
  const [kept] = useState<Record<string, string>>(() =>
    Object.fromEntries((balancer.AvailabilityZones ?? []).map((one) => [one.ZoneName ?? "", one.SubnetId ?? ""])),
  );
  const [chosen, setChosen] = useState(kept);
  const [type, setType] = useState(balancer.IpAddressType ?? "ipv4");
  const input: elbv2.SetSubnetsInput = {
    LoadBalancerArn: balancerArn(balancer),
    Subnets: Object.values(chosen),
    IpAddressType: type,
  };
  const form = useSubmit((call) => call("elbv2", "SetSubnets", input), onClose);
  const errors = fieldErrors<"type" | "subnets">(form.problem, {
    type: /IP address type|IPv6 CIDR/i,
    subnets: /subnet|zone/i,
  });
  return (
    <EditModal
      title={t("editSubnets")}
      testId="subnets-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "elbv2", operation: "SetSubnets", parameters: input }]}
    >
      <FormField label={t("ipAddressType")} errorText={errors.at("type")}>
        <RadioGroup
          data-testid="ip-address-type"
          ariaLabel={t("ipAddressType")}
          value={type}
          items={(["ipv4", "dualstack"] as const).map((value) => ({ value, label: t(`ipTypes.${value}`) }))}
          onChange={({ detail }) => {
            setType(detail.value);
          }}
        />
      </FormField>
      <FormField label={t("wizard.mappings")} description={t("keptZones")} errorText={errors.at("subnets")} stretch>
        <SubnetChoice vpc={balancer.VpcId ?? ""} chosen={chosen} kept={kept} onChange={setChosen} />
      </FormField>
    </EditModal>
  );
}
