import Button from "@cloudscape-design/components/button";
import Popover from "@cloudscape-design/components/popover";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { textColumn } from "../../common/columns";
import { findingsOf, useFindings } from "../../common/findings";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import type { ec2 } from "../../generated/aws";
import { ofDestination } from "./routeFindings";
import { destinationOf, placed } from "./routeTargets";
import { TargetLink } from "./TargetLink";

/** The tab "Routes": what the design checker says of a route stands beside it. */
export function RoutesPanel({ table }: { table: ec2.RouteTable }) {
  const { t } = useTranslation(["route-tables", "network"]);
  const navigate = useNavigate();
  const id = table.RouteTableId ?? "";
  const findings = findingsOf(useFindings(), id, ["Routes"]);
  return (
    <ResourceTable<ec2.Route>
      title={t("routes")}
      variant="container"
      items={table.Routes}
      loading={false}
      id={destinationOf}
      columns={[
        textColumn("destination", t("destination"), destinationOf),
        textColumn(
          "target",
          t("target"),
          (route) => placed(route).target,
          (route) => <TargetLink route={placed(route)} />,
        ),
        textColumn(
          "state",
          t("status"),
          (route) => route.State,
          (route) => {
            const found = ofDestination(findings, destinationOf(route));
            return (
              <SpaceBetween direction="horizontal" size="xs">
                <StateOf state={route.State} />
                {found && (
                  <Popover content={found.sentence} triggerType="text" dismissButton={false}>
                    <StatusIndicator type="warning">{t("warning")}</StatusIndicator>
                  </Popover>
                )}
              </SpaceBetween>
            );
          },
        ),
        textColumn("propagated", t("propagated"), (route) =>
          route.Origin === "EnableVgwRoutePropagation" ? t("network:yes") : t("network:no"),
        ),
      ]}
      empty={{ title: t("noRoutes") }}
      actions={
        <Button data-testid="edit-routes" onClick={() => void navigate(`/route-tables/${id}/routes`)}>
          {t("edit.title")}
        </Button>
      }
    />
  );
}
