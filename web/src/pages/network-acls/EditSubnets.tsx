import FormField from "@cloudscape-design/components/form-field";
import Multiselect from "@cloudscape-design/components/multiselect";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { EditModal } from "../../common/EditModal";
import { idAndName } from "../../common/names";
import { make, useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";
import { subnetCalls, subnetsOf } from "./subnets";

/** Chooses the subnets that an ACL filters. */
export function EditSubnets({ acl, onClose }: { acl: ec2.NetworkAcl; onClose: () => void }) {
  const { t } = useTranslation("network-acls");
  const vpc = { Filters: [{ Name: "vpc-id", Values: [acl.VpcId ?? ""] }] };
  const subnets = useAws("ec2", "DescribeSubnets", vpc).data?.Subnets ?? [];
  const acls = useAws("ec2", "DescribeNetworkAcls", vpc).data?.NetworkAcls ?? [];
  const [chosen, setChosen] = useState<readonly string[]>(() => subnetsOf(acl));
  const calls = subnetCalls(acls, acl, chosen);
  const form = useSubmit(async (call) => {
    for (const one of calls) await make(call, one);
  }, onClose);
  const options = subnets.map((one) => ({
    value: one.SubnetId ?? "",
    label: idAndName(one.SubnetId, one),
    description: one.CidrBlock,
  }));
  return (
    <EditModal
      title={t("editSubnets")}
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={calls}
      testId="acl-subnets-form"
    >
      <FormField label={t("subnets")} description={t("editSubnetsHint")}>
        <Multiselect
          data-testid="subnets"
          options={options}
          selectedOptions={options.filter((one) => chosen.includes(one.value))}
          onChange={({ detail }) => {
            setChosen(detail.selectedOptions.map((one) => one.value ?? ""));
          }}
        />
      </FormField>
    </EditModal>
  );
}
