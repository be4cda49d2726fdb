import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { CommandText } from "../../common/CommandText";
import { ResourceLink } from "../../common/ResourceLink";
import type { Blocked } from "../../generated/read-api";
import { fixPath, type Owners } from "./links";
import { ResourceName, Sentence } from "./ResourceName";

/** What stops the packet: the rule, and what would mend it, as a page and as a command. */
export function BlockedBy({ blocked: { direction, by, fix, sentence }, owners }: { blocked: Blocked; owners: Owners }) {
  const { t } = useTranslation("reachability");
  const path = fix && fixPath(fix, owners);
  return (
    <Alert type="error" header={t(`blocked.${direction}`)} data-testid="blocked">
      <SpaceBetween size="xs">
        <div>
          <Sentence text={sentence} owners={owners} />
        </div>
        {by && (
          <div data-testid="rule">
            {t("rule")} <ResourceName id={by.resource} owners={owners} /> <Box variant="code">{by.rule}</Box>
          </div>
        )}
        {fix && path && (
          <div>
            {t("fix")}{" "}
            <span data-testid="fix">
              <ResourceLink to={path}>{t(`page.${fix.page}`, { field: fix.field })}</ResourceLink>
            </span>
          </div>
        )}
        {fix && fix.command !== "" && <CommandText text={fix.command} />}
      </SpaceBetween>
    </Alert>
  );
}
