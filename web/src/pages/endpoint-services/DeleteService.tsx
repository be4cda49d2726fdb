import { useTranslation } from "react-i18next";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName } from "../../common/names";
import { mustSucceed } from "../../common/unsuccessful";
import { useCalls } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";

export function DeleteService({
  service,
  onClose,
  onDone,
}: {
  service: ec2.ServiceConfiguration;
  onClose: () => void;
  onDone?: () => void;
}) {
  const { t } = useTranslation("endpoint-services");
  const run = useCalls();
  const ServiceIds = [service.ServiceId ?? ""];
  return (
    <ConfirmDelete
      title={t("delete")}
      names={[idAndName(service.ServiceId, service)]}
      onConfirm={async () => {
        await run(async (call) =>
          mustSucceed(await call("ec2", "DeleteVpcEndpointServiceConfigurations", { ServiceIds })),
        );
        onDone?.();
      }}
      onClose={onClose}
    />
  );
}
