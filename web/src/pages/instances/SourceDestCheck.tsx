import Toggle from "@cloudscape-design/components/toggle";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import { useNotify } from "../../common/notify";

/** An appliance that forwards packets of others needs it off. */
export function SourceDestCheck({ id, on }: { id: string; on: boolean }) {
  const { t } = useTranslation("instances");
  const notify = useNotify();
  const change = useAwsAction("ec2", "ModifyNetworkInterfaceAttribute");
  return (
    <Toggle
      checked={on}
      disabled={change.isPending}
      ariaLabel={t("sourceDestCheck")}
      onChange={({ detail }) => {
        change.mutate(
          { NetworkInterfaceId: id, SourceDestCheck: { Value: detail.checked } },
          { onError: notify.failure },
        );
      }}
    />
  );
}
