import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { request } from "../api/http";
import { useScope } from "../session/scope";
import type { Call } from "../shell/commandLog";

export type { Call };
import { CommandText } from "./CommandText";

interface Texts {
  aws: string;
  boto3: string;
}

/** The same as commands to copy: what the form would do, for the AWS CLI and for boto3. */
export function Equivalent({ calls, open = false }: { calls: readonly Call[]; open?: boolean }) {
  const { t } = useTranslation("common");
  const [expanded, setExpanded] = useState(open);
  return (
    <ExpandableSection
      headerText={t("equivalent.title")}
      expanded={expanded}
      onChange={({ detail }) => {
        setExpanded(detail.expanded);
      }}
    >
      {expanded && <EquivalentTexts calls={calls} />}
    </ExpandableSection>
  );
}

export function EquivalentTexts({ calls }: { calls: readonly Call[] }) {
  const { t } = useTranslation("common");
  const scope = useScope();
  const [kind, setKind] = useState<keyof Texts>("aws");
  const { data } = useQuery({
    queryKey: ["equivalent", scope.region, calls],
    queryFn: () => request<Texts[]>("/console/api/equivalent", { method: "POST", body: calls, scope }),
    placeholderData: keepPreviousData,
  });
  const text = (data ?? []).map((one) => one[kind]).join("\n");
  return (
    <SpaceBetween size="xs">
      <SegmentedControl
        selectedId={kind}
        label={t("equivalent.title")}
        options={[
          { id: "aws", text: t("equivalent.cli") },
          { id: "boto3", text: "boto3" },
        ]}
        onChange={({ detail }) => {
          setKind(detail.selectedId === "aws" ? "aws" : "boto3");
        }}
      />
      {text === "" ? <Box color="text-body-secondary">{t("equivalent.none")}</Box> : <CommandText text={text} />}
    </SpaceBetween>
  );
}
