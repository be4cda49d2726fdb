import FormField from "@cloudscape-design/components/form-field";
import Multiselect from "@cloudscape-design/components/multiselect";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws, useAwsAction } from "../../api/aws";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useNotify } from "../../common/notify";
import type { ec2 } from "../../generated/aws";
import { groupOptions } from "./instances";

const RULES = { groups: /group/i };

/** The groups of an instance with one network interface; AWS has it at the interface when there are more. */
export function ChangeGroups({ instance, onClose }: { instance: ec2.Instance; onClose: () => void }) {
  const { t } = useTranslation("instances");
  const notify = useNotify();
  const [chosen, setChosen] = useState(() => (instance.SecurityGroups ?? []).flatMap((one) => one.GroupId ?? []));
  const [tried, setTried] = useState(false);
  const groups = useAws("ec2", "DescribeSecurityGroups", {
    Filters: [{ Name: "vpc-id", Values: [instance.VpcId ?? ""] }],
  });
  const modify = useAwsAction("ec2", "ModifyInstanceAttribute");
  const options = groupOptions(groups.data?.SecurityGroups ?? []);
  const id = instance.InstanceId ?? "";
  const parameters = { InstanceId: id, Groups: chosen };
  const errors = fieldErrors(modify.error ?? groups.error, RULES);
  const none = tried && chosen.length === 0 ? t("groupsOf.none") : undefined;
  return (
    <EditModal
      title={t("groupsOf.title")}
      busy={modify.isPending}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "ModifyInstanceAttribute", parameters }]}
      testId="groups-form"
      onClose={onClose}
      onSubmit={() => {
        setTried(true);
        if (chosen.length === 0) return;
        modify.mutate(parameters, {
          onSuccess: () => {
            notify.success(t("groupsOf.done", { id }));
            onClose();
          },
        });
      }}
    >
      <FormField label={t("groups")} errorText={none ?? errors.at("groups")}>
        <Multiselect
          data-testid="groups"
          options={options}
          selectedOptions={options.filter((one) => chosen.includes(one.value))}
          placeholder={t("launch.choose")}
          onChange={({ detail }) => {
            setChosen(detail.selectedOptions.map((one) => one.value ?? ""));
          }}
        />
      </FormField>
    </EditModal>
  );
}
