import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { CommandText } from "./CommandText";
import { ALERTS, findingsOf, useFindings } from "./findings";

/** What the design checker says about a resource (id or ARN), beside the field that causes it, with the command that mends it. */
export function Findings({ resource, field }: { resource: string | undefined; field?: string | readonly string[] }) {
  const { t } = useTranslation("common");
  const fields = typeof field === "string" ? [field] : field;
  const found = findingsOf(useFindings(), resource ?? "", fields);
  if (found.length === 0) return null;
  return (
    <SpaceBetween size="xs">
      {found.map((one) => (
        <Alert
          key={`${one.code} ${one.field} ${one.fix}`}
          type={ALERTS[one.severity]}
          header={t(`finding.${one.severity}`)}
          data-testid={`finding-${one.code}`}
        >
          <SpaceBetween size="xs">
            <Box>{one.sentence}</Box>
            {one.fix !== "" && <CommandText text={one.fix} />}
          </SpaceBetween>
        </Alert>
      ))}
    </SpaceBetween>
  );
}
