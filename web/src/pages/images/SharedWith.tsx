import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { permissionsOf } from "./permissions";

/** The tab "Permissions" of an image of one's own: only its owner is told with whom it is shared. */
export function SharedWith({ id }: { id: string }) {
  const { t } = useTranslation("images");
  const answer = useAws("ec2", "DescribeImageAttribute", { ImageId: id, Attribute: "launchPermission" });
  const { isPublic, accounts } = permissionsOf(answer.data?.LaunchPermissions);
  if (answer.error) return <ErrorAlert error={answer.error} />;
  return (
    <SpaceBetween size="s">
      <Box>{isPublic ? t("permissions.publicHint") : t("permissions.privateHint")}</Box>
      <Box variant="awsui-key-label">{t("permissions.accounts")}</Box>
      {accounts.length === 0 && <Box color="text-body-secondary">{t("permissions.nobody")}</Box>}
      {accounts.map((one) => (
        <Box key={one}>{one}</Box>
      ))}
    </SpaceBetween>
  );
}
