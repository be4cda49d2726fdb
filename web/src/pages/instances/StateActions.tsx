import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import { Actions } from "../../common/Actions";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import type { ec2 } from "../../generated/aws";
import { possible, type StateChange } from "./instances";

const CHANGES: readonly StateChange[] = ["StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"];

/** The menu "Instance state". Only terminating asks once more. */
export function StateActions({ instances }: { instances: readonly ec2.Instance[] }) {
  const { t } = useTranslation("instances");
  const notify = useNotify();
  const [terminating, setTerminating] = useState(false);
  const calls = {
    StartInstances: useAwsAction("ec2", "StartInstances"),
    StopInstances: useAwsAction("ec2", "StopInstances"),
    RebootInstances: useAwsAction("ec2", "RebootInstances"),
    TerminateInstances: useAwsAction("ec2", "TerminateInstances"),
  };
  const InstanceIds = instances.flatMap((one) => one.InstanceId ?? []);
  const run = (change: StateChange) => {
    if (change === "TerminateInstances") setTerminating(true);
    else calls[change].mutate({ InstanceIds }, { onError: notify.failure });
  };
  return (
    <>
      <Actions
        disabled={instances.length === 0}
        items={CHANGES.map((change) => ({
          id: change,
          text: t(`states.${change}`),
          disabled: !possible(change, instances),
          run: () => {
            run(change);
          },
        }))}
      />
      {terminating && (
        <ConfirmDelete
          title={t("states.TerminateInstances")}
          names={instances.map((one) => idAndName(one.InstanceId, one))}
          onConfirm={() => calls.TerminateInstances.mutateAsync({ InstanceIds })}
          onClose={() => {
            setTerminating(false);
          }}
        />
      )}
    </>
  );
}
