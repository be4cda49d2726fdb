import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { fieldErrors } from "../../common/fieldErrors";
import { useSubmit } from "../../common/useCalls";

export function AddBlock({ vpc, onClose }: { vpc: string; onClose: () => void }) {
  const { t } = useTranslation("vpcs");
  const [version, setVersion] = useState("ipv4");
  const [cidr, setCidr] = useState("");
  const parameters =
    version === "ipv4" ? { VpcId: vpc, CidrBlock: cidr.trim() } : { VpcId: vpc, AmazonProvidedIpv6CidrBlock: true };
  const form = useSubmit((call) => call("ec2", "AssociateVpcCidrBlock", parameters), onClose);
  const errors = fieldErrors(form.problem, version === "ipv4" ? { cidr: /cidr|range|block/i } : {});
  return (
    <EditModal
      title={t("blocks.add")}
      testId="cidr-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={errors.rest}
      calls={[{ service: "ec2", operation: "AssociateVpcCidrBlock", parameters }]}
    >
      <RadioGroup
        ariaLabel={t("blocks.version")}
        value={version}
        items={[
          { value: "ipv4", label: "IPv4" },
          { value: "ipv6", label: t("create.amazonIpv6") },
        ]}
        onChange={({ detail }) => {
          setVersion(detail.value);
        }}
      />
      {version === "ipv4" && (
        <FormField label="IPv4 CIDR" errorText={errors.at("cidr")}>
          <Input
            data-testid="cidr"
            value={cidr}
            placeholder="10.1.0.0/16"
            onChange={({ detail }) => {
              setCidr(detail.value);
            }}
          />
        </FormField>
      )}
    </EditModal>
  );
}
