import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";
import { LoadBalancerChoice } from "./LoadBalancerChoice";
import { difference, given } from "./modifications";

const OPERATION = "ModifyVpcEndpointServiceConfiguration";

/** Associates and disassociates load balancers. */
export function BalancersForm({ service, onClose }: { service: ec2.ServiceConfiguration; onClose: () => void }) {
  const { t } = useTranslation("endpoint-services");
  const before = service.GatewayLoadBalancerArns ?? [];
  const [chosen, choose] = useState<readonly string[]>(before);
  const { add, remove } = difference(before, chosen);
  const parameters = {
    ServiceId: service.ServiceId ?? "",
    AddGatewayLoadBalancerArns: given(add),
    RemoveGatewayLoadBalancerArns: given(remove),
  };
  const form = useSubmit((call) => call("ec2", OPERATION, parameters), onClose);
  return (
    <EditModal
      title={t("modifyBalancers")}
      testId="balancers-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={[{ service: "ec2", operation: OPERATION, parameters }]}
    >
      <LoadBalancerChoice chosen={chosen} onChange={choose} />
    </EditModal>
  );
}
