import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { useFormat } from "../../i18n/format";
import { allowedOf } from "./permissions";
import { PermissionsForm } from "./PermissionsForm";

/** The tab "Launch permissions" of an image that the account owns. */
export function PermissionsPanel({ image }: { image: string }) {
  const { t } = useTranslation("images");
  const format = useFormat();
  const answer = useAws("ec2", "DescribeImageAttribute", { ImageId: image, Attribute: "launchPermission" });
  const [editing, setEditing] = useState(false);
  if (answer.error) return <ErrorAlert error={answer.error} />;
  const allowed = allowedOf(answer.data?.LaunchPermissions ?? []);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={t("permissions.what")}
          actions={
            <Button
              data-testid="edit-permissions"
              disabled={answer.isPending}
              onClick={() => {
                setEditing(true);
              }}
            >
              {t("permissions.edit")}
            </Button>
          }
        >
          {t("permissions.title")}
        </Header>
      }
    >
      <KeyValuePairs
        columns={2}
        items={[
          { label: t("visibility"), value: allowed.everyone ? t("public") : t("private") },
          {
            label: t("permissions.accounts"),
            value: <span data-testid="accounts">{format.list(allowed.accounts) || t("permissions.nobody")}</span>,
          },
        ]}
      />
      {editing && (
        <PermissionsForm
          image={image}
          allowed={allowed}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </Container>
  );
}
