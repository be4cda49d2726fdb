import { useTranslation } from "react-i18next";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName } from "../../common/names";
import { mustSucceed } from "../../common/unsuccessful";
import { useCalls } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";

/** AWS keeps an endpoint that a route still leads to, and says so here. */
export function DeleteEndpoint({
  endpoint,
  onClose,
  onDone,
}: {
  endpoint: ec2.VpcEndpoint;
  onClose: () => void;
  onDone?: () => void;
}) {
  const { t } = useTranslation("endpoints");
  const run = useCalls();
  const VpcEndpointIds = [endpoint.VpcEndpointId ?? ""];
  return (
    <ConfirmDelete
      title={t("delete")}
      names={[idAndName(endpoint.VpcEndpointId, endpoint)]}
      onConfirm={async () => {
        await run(async (call) => mustSucceed(await call("ec2", "DeleteVpcEndpoints", { VpcEndpointIds })));
        onDone?.();
      }}
      onClose={onClose}
    />
  );
}
