import Spinner from "@cloudscape-design/components/spinner";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { PermissionsForm } from "./PermissionsForm";
import { permissionsOf } from "./permissions";

/** The form opens with what the image says now. */
export function EditPermissions({ id, onClose }: { id: string; onClose: () => void }) {
  const answer = useAws("ec2", "DescribeImageAttribute", { ImageId: id, Attribute: "launchPermission" });
  const { t } = useTranslation("images");
  if (answer.error) return <ErrorAlert error={answer.error} />;
  if (!answer.data) return <Spinner />;
  return (
    <PermissionsForm
      id={id}
      title={t("permissions.title")}
      before={permissionsOf(answer.data.LaunchPermissions)}
      onClose={onClose}
    />
  );
}
