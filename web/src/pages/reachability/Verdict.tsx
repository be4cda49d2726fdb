import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import type { Appliance, Reach } from "../../generated/read-api";
import { BlockedBy } from "./BlockedBy";
import { SYMMETRY_LOOKS, symmetryOf } from "./drawing";
import type { Owners } from "./links";
import { ResourceName, Sentence } from "./ResourceName";

/** The outcome: reachable or not, by whom it is stopped, and which appliances both directions meet. */
export function Verdict({ reach, owners }: { reach: Reach; owners: Owners }) {
  const { t } = useTranslation("reachability");
  const symmetry = symmetryOf(reach);
  const met = (appliance: Appliance | null) => {
    if (!appliance) return t("noAppliance");
    return (
      <>
        {appliance.target && <ResourceName id={appliance.target} owners={owners} />} {appliance.address}{" "}
        {appliance.zone && `(${appliance.zone})`} <ResourceName id={appliance.endpoint} owners={owners} /> ·{" "}
        {t("cookie", { cookie: appliance.cookie })}
      </>
    );
  };
  return (
    <Container
      header={
        <Header variant="h2">
          <span data-testid="outcome">
            <StatusIndicator type={reach.blocked ? "error" : "success"}>
              {reach.blocked ? t("notReachable") : t("reachable")}
            </StatusIndicator>
          </span>
        </Header>
      }
    >
      <SpaceBetween size="m">
        <div>
          <Sentence text={reach.sentence} owners={owners} />
        </div>
        {reach.blocked && <BlockedBy blocked={reach.blocked} owners={owners} />}
        <KeyValuePairs
          columns={3}
          items={[
            {
              label: t("symmetry.label"),
              value: (
                <span data-testid="symmetry">
                  <StatusIndicator type={SYMMETRY_LOOKS[symmetry]}>{t(`symmetry.${symmetry}`)}</StatusIndicator>
                </span>
              ),
            },
            { label: t("met.forward"), value: met(reach.appliances.forward) },
            { label: t("met.back"), value: met(reach.appliances.back) },
          ]}
        />
        {reach.by === "rules" && <Alert type="info">{t("byRules")}</Alert>}
      </SpaceBetween>
    </Container>
  );
}
