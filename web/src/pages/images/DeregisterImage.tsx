import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import { EditModal } from "../../common/EditModal";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import type { ec2 } from "../../generated/aws";

/** Asks once more; the instances of a deregistered image go on. */
export function DeregisterImage(props: { image: ec2.Image; onClose: () => void; onGone?: () => void }) {
  const { t } = useTranslation("images");
  const notify = useNotify();
  const deregister = useAwsAction("ec2", "DeregisterImage");
  const parameters = { ImageId: props.image.ImageId ?? "" };
  return (
    <EditModal
      title={t("deregister.title")}
      submitText={t("deregister.submit")}
      busy={deregister.isPending}
      error={deregister.error}
      calls={[{ service: "ec2", operation: "DeregisterImage", parameters }]}
      testId="deregister-form"
      onClose={props.onClose}
      onSubmit={() => {
        deregister.mutate(parameters, {
          onSuccess: () => {
            notify.success(t("deregister.done", { id: parameters.ImageId }));
            props.onClose();
            props.onGone?.();
          },
        });
      }}
    >
      <Alert type="warning">{t("deregister.warning")}</Alert>
      <Box>{idAndName(props.image.ImageId, props.image)}</Box>
      <Box color="text-body-secondary">{props.image.Name}</Box>
    </EditModal>
  );
}
