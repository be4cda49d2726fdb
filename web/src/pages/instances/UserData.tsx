import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import type { ec2 } from "../../generated/aws";
import { EditUserData } from "./EditUserData";
import { consoleText } from "./instances";

/** What the instance was given to run; AWS changes it only while it is stopped. */
export function UserData({ instance }: { instance: ec2.Instance | undefined }) {
  const { t } = useTranslation("instances");
  const id = instance?.InstanceId ?? "";
  const [editing, setEditing] = useState(false);
  const answer = useAws("ec2", "DescribeInstanceAttribute", { InstanceId: id, Attribute: "userData" });
  if (answer.error) return <ErrorAlert error={answer.error} />;
  const text = consoleText(answer.data?.UserData?.Value);
  const stopped = instance?.State?.Name === "stopped";
  return (
    <SpaceBetween size="s">
      {text === "" ? (
        <Box color="text-body-secondary">{t("userData.none")}</Box>
      ) : (
        <div className="command">
          <pre>{text}</pre>
        </div>
      )}
      <Box color="text-body-secondary">{t("userData.stopped")}</Box>
      <Button
        data-testid="edit-user-data"
        disabled={!stopped || !answer.data}
        onClick={() => {
          setEditing(true);
        }}
      >
        {t("userData.edit")}
      </Button>
      {editing && (
        <EditUserData
          id={id}
          before={text}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </SpaceBetween>
  );
}
