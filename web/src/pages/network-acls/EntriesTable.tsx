import Button from "@cloudscape-design/components/button";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { ResourceTable } from "../../common/ResourceTable";
import type { ec2 } from "../../generated/aws";
import { type Direction, entriesOf, isLast, readEntry } from "./entries";

/** One direction's rules in the order in which they are asked. */
export function EntriesTable({ acl, direction }: { acl: ec2.NetworkAcl; direction: Direction }) {
  const { t } = useTranslation("network-acls");
  const navigate = useNavigate();
  const rows = entriesOf(acl, direction).map((one) => ({ ...readEntry(one), last: isLast(one) }));
  return (
    <ResourceTable
      variant="container"
      title={t(direction)}
      items={rows}
      loading={false}
      id={(one) => `${one.number} ${one.cidr}`}
      columns={[
        { id: "number", header: t("number"), cell: (one) => (one.last ? "*" : one.number) },
        { id: "type", header: t("type"), cell: (one) => t(`presets.${one.preset}`) },
        { id: "ports", header: t("ports"), cell: (one) => one.ports || t("all") },
        { id: "cidr", header: t(`peer.${direction}`), cell: (one) => one.cidr },
        {
          id: "action",
          header: t("action"),
          cell: (one) => (
            <StatusIndicator type={one.action === "allow" ? "success" : "error"}>{t(one.action)}</StatusIndicator>
          ),
        },
      ]}
      empty={{ title: t("noRules") }}
      actions={
        <Button
          data-testid={`edit-${direction}`}
          onClick={() => void navigate(`/network-acls/${acl.NetworkAclId ?? ""}/${direction}`)}
        >
          {t(`editOf.${direction}`)}
        </Button>
      }
    />
  );
}
