import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { callAws } from "../../api/aws";
import { AwsError } from "../../api/http";
import { sentence } from "../../common/fieldErrors";
import type { ec2 } from "../../generated/aws";
import { useScope } from "../../session/scope";
import { serviceType } from "./service";

/** "Find service by name" and Verify: a name that another account gave, looked up before an endpoint is made. */
export function FindService({
  value,
  found,
  onChange,
  errorText,
}: {
  value: string;
  found: ec2.ServiceDetail | null;
  onChange: (name: string, found: ec2.ServiceDetail | null) => void;
  errorText?: string | undefined;
}) {
  const { t } = useTranslation("endpoints");
  const scope = useScope();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<AwsError | null>(null);
  const verify = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const answer = await callAws(scope, "ec2", "DescribeVpcEndpointServices", { ServiceNames: [value.trim()] });
      onChange(value, answer.ServiceDetails?.[0] ?? null);
    } catch (refused) {
      if (!(refused instanceof AwsError)) throw refused;
      setProblem(refused);
      onChange(value, null);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Container header={<Header variant="h2">{t("find.title")}</Header>}>
      <FormField
        label={t("serviceName")}
        description={t("find.what")}
        errorText={problem ? `${t("find.not")} ${sentence(problem)}` : errorText}
        secondaryControl={
          <Button
            data-testid="verify"
            formAction="none"
            loading={busy}
            disabled={value.trim() === ""}
            onClick={() => void verify()}
          >
            {t("find.verify")}
          </Button>
        }
      >
        <SpaceBetween size="xs">
          <Input
            data-testid="service-name"
            value={value}
            placeholder="com.amazonaws.vpce.ap-northeast-2.vpce-svc-0123456789abcdef0"
            onChange={({ detail }) => {
              setProblem(null);
              onChange(detail.value, null);
            }}
          />
          {found && (
            <StatusIndicator type="success" data-testid="verified">
              {t("find.verified")} {serviceType(found)}, {found.AvailabilityZones?.join(", ")}
            </StatusIndicator>
          )}
        </SpaceBetween>
      </FormField>
    </Container>
  );
}
