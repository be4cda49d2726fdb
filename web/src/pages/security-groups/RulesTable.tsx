import Button from "@cloudscape-design/components/button";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { ResourceTable } from "../../common/ResourceTable";
import { type Direction, PRESETS, readRule } from "./rules";

/** One direction's rules, with the button that edits them. */
export function RulesTable({ group, direction }: { group: string; direction: Direction }) {
  const { t } = useTranslation("security-groups");
  const navigate = useNavigate();
  const rules = useRules(group, direction);
  return (
    <ResourceTable
      variant="container"
      title={t(direction)}
      items={rules.data}
      loading={rules.isPending}
      error={rules.error}
      id={(rule) => rule.id ?? ""}
      columns={[
        { id: "id", header: t("rules.id"), cell: (rule) => rule.id },
        { id: "type", header: t("rules.type"), cell: (rule) => t(`presets.${rule.preset}`) },
        { id: "protocol", header: t("rules.protocol"), cell: (rule) => PRESETS[rule.preset].protocol },
        { id: "ports", header: t("rules.ports"), cell: (rule) => rule.ports || t("rules.all") },
        { id: "peer", header: t(`rules.peer.${direction}`), cell: (rule) => rule.peer },
        { id: "description", header: t("description"), cell: (rule) => rule.description || "–" },
      ]}
      empty={{ title: t("rules.empty") }}
      actions={
        <Button
          data-testid={`edit-${direction}`}
          onClick={() => void navigate(`/security-groups/${group}/${direction}`)}
        >
          {t(`rules.editOf.${direction}`)}
        </Button>
      }
    />
  );
}

export function useRules(group: string, direction: Direction) {
  const answer = useAws("ec2", "DescribeSecurityGroupRules", { Filters: [{ Name: "group-id", Values: [group] }] });
  return {
    data: answer.data?.SecurityGroupRules?.filter((rule) => rule.IsEgress === (direction === "outbound")).map(readRule),
    isPending: answer.isPending,
    error: answer.error,
  };
}
