import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import type { ec2 } from "../../generated/aws";

/** The server's own API as a service: reached from inside a VPC by an interface endpoint. */
export function AwsServiceChoice({
  value,
  onChange,
  errorText,
}: {
  value: string;
  onChange: (name: string, service: ec2.ServiceDetail | null) => void;
  errorText?: string | undefined;
}) {
  const { t } = useTranslation("endpoints");
  const { data, isPending } = useAws("ec2", "DescribeVpcEndpointServices", {
    Filters: [{ Name: "service-type", Values: ["Interface"] }],
  });
  const options = (data?.ServiceDetails ?? []).map((one) => ({
    value: one.ServiceName,
    label: one.ServiceName,
    description: one.PrivateDnsName,
  }));
  return (
    <Container header={<Header variant="h2">{t("services")}</Header>}>
      <FormField label={t("serviceName")} errorText={errorText}>
        <Select
          data-testid="aws-service"
          placeholder={t("chooseService")}
          statusType={isPending ? "loading" : "finished"}
          options={options}
          selectedOption={options.find((one) => one.value === value) ?? null}
          onChange={({ detail }) => {
            const name = detail.selectedOption.value ?? "";
            onChange(name, data?.ServiceDetails?.find((one) => one.ServiceName === name) ?? null);
          }}
        />
      </FormField>
    </Container>
  );
}
