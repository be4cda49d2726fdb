import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../../api/aws";
import { NeighbourInstances } from "./NeighbourInstances";
import { addressesIn, type Pending } from "./pending";

/** Addresses of the VPC, or others with the zone that they count for: appliances in other VPCs, also of other accounts. */
export function AddressPicker({ vpc, onInclude }: { vpc: string; onInclude: (chosen: Pending[]) => void }) {
  const { t } = useTranslation("target-groups");
  const [outside, setOutside] = useState(false);
  const [zone, setZone] = useState("all");
  const [text, setText] = useState("");
  const zones = useAws("ec2", "DescribeAvailabilityZones", {});
  const names = ["all", ...(zones.data?.AvailabilityZones ?? []).map((one) => one.ZoneName ?? "")];
  const label = (name: string) => (name === "all" ? t("register.allZones") : name);
  const addresses = addressesIn(text);
  return (
    <Container header={<Header variant="h2">{t("register.addresses")}</Header>}>
      <SpaceBetween size="m">
        <FormField label={t("register.network")} description={t("register.networkWhat")} stretch>
          <RadioGroup
            data-testid="network"
            ariaLabel={t("register.network")}
            value={outside ? "other" : "vpc"}
            items={[
              { value: "vpc", label: t("register.inVpc", { vpc }) },
              { value: "other", label: t("register.other"), description: t("register.otherWhat") },
            ]}
            onChange={({ detail }) => {
              setOutside(detail.value === "other");
            }}
          />
        </FormField>
        {outside && (
          <>
            <Alert type="info">{t("register.accounts")}</Alert>
            <NeighbourInstances
              vpc={vpc}
              onChoose={(address, at) => {
                setText((before) => [...addressesIn(before), address].join("\n"));
                setZone(at);
              }}
            />
            <FormField label={t("register.zone")} description={t("register.zoneWhat")}>
              <Select
                data-testid="target-zone"
                selectedOption={{ value: zone, label: label(zone) }}
                options={names.map((name) => ({ value: name, label: label(name) }))}
                onChange={({ detail }) => {
                  setZone(detail.selectedOption.value ?? "all");
                }}
              />
            </FormField>
          </>
        )}
        <FormField label={t("register.ipv4")} constraintText={t("register.ipv4Limit")}>
          <Textarea
            data-testid="addresses"
            value={text}
            rows={3}
            onChange={({ detail }) => {
              setText(detail.value);
            }}
          />
        </FormField>
        <Button
          data-testid="include-pending"
          disabled={addresses.length === 0}
          formAction="none"
          onClick={() => {
            onInclude(addresses.map((id) => (outside ? { id, zone, note: "" } : { id, note: "" })));
            setText("");
          }}
        >
          {t("register.include")}
        </Button>
      </SpaceBetween>
    </Container>
  );
}
