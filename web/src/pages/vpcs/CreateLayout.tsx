import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { FormPage } from "../../common/FormPage";
import { useNotify } from "../../common/notify";
import { useSubmit } from "../../common/useCalls";
import { asCalls, type Layout, type Made, makeAll, steps } from "./layout";

const FIRST: Layout = {
  name: "consumer",
  cidr: "10.0.0.0/16",
  applicationCidr: "10.0.0.32/28",
  endpointCidr: "10.0.0.0/28",
  zone: "",
};
const TEXTS = ["name", "cidr", "applicationCidr", "endpointCidr"] as const;

/** "VPC and more". After a refusal what was made stays made, and the button goes on behind it. */
export function CreateLayout({ children }: { children: ReactNode }) {
  const { t } = useTranslation(["vpcs", "network"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const [layout, setLayout] = useState(FIRST);
  const [made, setMade] = useState<Made>({});
  const zones = useAws("ec2", "DescribeAvailabilityZones", {});
  const options = (zones.data?.AvailabilityZones ?? []).map((one) => ({ value: one.ZoneName, label: one.ZoneName }));
  const zone = layout.zone || (options[0]?.value ?? "");
  const all = steps({ ...layout, zone });
  const form = useSubmit(
    (call) => makeAll(call, all, made, setMade),
    ({ vpc = "" }) => {
      notify.success(t("create.moreDone", { id: vpc }));
      void navigate(`/vpcs/${vpc}`);
    },
  );
  const begun = Object.keys(made).length > 0;
  return (
    <FormPage
      title={t("create.title")}
      description={t("create.what")}
      submitText={t("create.title")}
      onSubmit={form.submit}
      busy={form.busy}
      error={form.problem}
      calls={asCalls(all)}
      back="/vpcs"
      testId="vpc-form"
    >
      {children}
      <Container>
        <SpaceBetween size="l">
          {TEXTS.map((field) => (
            <FormField key={field} label={t(`layout.${field}`)} description={t(`layout.${field}What`)}>
              <Input
                data-testid={field}
                value={layout[field]}
                onChange={({ detail }) => {
                  setLayout({ ...layout, [field]: detail.value });
                }}
              />
            </FormField>
          ))}
          <FormField label={t("network:zone")}>
            <Select
              data-testid="zone"
              options={options}
              selectedOption={options.find((one) => one.value === zone) ?? null}
              onChange={({ detail }) => {
                setLayout({ ...layout, zone: detail.selectedOption.value ?? "" });
              }}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      {begun && (
        <Container>
          {all.map((step) => (
            <div key={step.id}>
              <StatusIndicator type={made[step.id] === undefined ? "pending" : "success"}>
                {step.operation} {made[step.id]?.includes("-") ? made[step.id] : ""}
              </StatusIndicator>
            </div>
          ))}
        </Container>
      )}
    </FormPage>
  );
}
