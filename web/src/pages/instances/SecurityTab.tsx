import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ResourceLink } from "../../common/ResourceLink";
import type { ec2 } from "../../generated/aws";
import { ChangeGroups } from "./ChangeGroups";
import { changeable } from "./instances";

/** The instance's security groups, and the form that changes them. */
export function SecurityTab({ instance }: { instance: ec2.Instance | undefined }) {
  const { t } = useTranslation("instances");
  const [editing, setEditing] = useState(false);
  return (
    <SpaceBetween size="s">
      {(instance?.SecurityGroups ?? []).map((group) => (
        <div key={group.GroupId}>
          <ResourceLink to={`/security-groups/${group.GroupId ?? ""}`}>{group.GroupId}</ResourceLink> ({group.GroupName}
          )
        </div>
      ))}
      <Button
        data-testid="change-groups"
        disabled={!changeable(instance)}
        onClick={() => {
          setEditing(true);
        }}
      >
        {t("groupsOf.title")}
      </Button>
      {editing && instance && (
        <ChangeGroups
          instance={instance}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </SpaceBetween>
  );
}
