import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { CommandText } from "../../common/CommandText";
import { ALERTS, useFindings } from "../../common/findings";

/** Everything that the design checker finds, as `gwlb lint` says it. */
export function Design() {
  const { t } = useTranslation("home");
  const findings = useFindings();
  const vpcs = useAws("ec2", "DescribeVpcs", {});
  const nothing = vpcs.data?.Vpcs?.length === 0;
  return (
    <Container
      header={
        <Header variant="h2" description={t("design.explained")}>
          {t("design.title")}
        </Header>
      }
    >
      <SpaceBetween size="s">
        {findings.length === 0 && (
          <StatusIndicator type={nothing ? "stopped" : "success"}>
            {t(nothing ? "design.nothing" : "design.fine")}
          </StatusIndicator>
        )}
        {findings.map((one) => (
          <Alert key={`${one.code} ${one.resource} ${one.field}`} type={ALERTS[one.severity]} header={one.resource}>
            <SpaceBetween size="xs">
              {one.sentence}
              {one.fix !== "" && <CommandText text={one.fix} />}
            </SpaceBetween>
          </Alert>
        ))}
      </SpaceBetween>
    </Container>
  );
}
