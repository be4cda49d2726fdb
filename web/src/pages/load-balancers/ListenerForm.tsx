import FormField from "@cloudscape-design/components/form-field";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useSubmit } from "../../common/useCalls";
import type { elbv2 } from "../../generated/aws";
import { balancerArn } from "./balancers";
import { listenerInput } from "./create/draft";
import { GroupSelect } from "./GroupSelect";

/** Which target group all traffic goes to; makes the listener where there is none. */
export function ListenerForm({
  balancer,
  listener,
  group,
  onClose,
}: {
  balancer: elbv2.LoadBalancer;
  listener: elbv2.Listener | undefined;
  group: string;
  onClose: () => void;
}) {
  const { t } = useTranslation("load-balancers");
  const [chosen, setChosen] = useState(group);
  const create = listenerInput(balancerArn(balancer), chosen);
  const modify: elbv2.ModifyListenerInput = {
    ListenerArn: listener?.ListenerArn ?? "",
    DefaultActions: create.DefaultActions,
  };
  const form = useSubmit(async (call) => {
    if (listener) await call("elbv2", "ModifyListener", modify);
    else await call("elbv2", "CreateListener", create);
  }, onClose);
  const errors = fieldErrors<"existing">(form.problem, { existing: /target group|TargetGroup|targets/i });
  return (
    <EditModal
      title={listener ? t("listeners.edit") : t("listeners.add")}
      testId="listener-form"
      onClose={onClose}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={[
        listener
          ? { service: "elbv2", operation: "ModifyListener", parameters: modify }
          : { service: "elbv2", operation: "CreateListener", parameters: create },
      ]}
    >
      <FormField label={t("targetGroup")} description={t("wizard.existingWhat")} errorText={errors.at("existing")}>
        <GroupSelect
          vpc={balancer.VpcId ?? ""}
          value={chosen}
          onChange={setChosen}
          loadBalancer={balancerArn(balancer)}
        />
      </FormField>
    </EditModal>
  );
}
