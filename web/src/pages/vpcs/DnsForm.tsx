import Checkbox from "@cloudscape-design/components/checkbox";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";

interface Dns {
  EnableDnsSupport: boolean;
  EnableDnsHostnames: boolean;
}

/** DNS resolution and DNS hostnames; AWS changes one in a call. */
export function DnsForm({ vpc, before, onClose }: { vpc: string; before: Dns; onClose: () => void }) {
  const { t } = useTranslation("vpcs");
  const [dns, setDns] = useState(before);
  const changed = (["EnableDnsSupport", "EnableDnsHostnames"] as const)
    .filter((name) => dns[name] !== before[name])
    .map((name) => ({ VpcId: vpc, [name]: { Value: dns[name] } }));
  const form = useSubmit(async (call) => {
    for (const parameters of changed) await call("ec2", "ModifyVpcAttribute", parameters);
  }, onClose);
  return (
    <EditModal
      title={t("dns.title")}
      testId="vpc-settings-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={changed.map((parameters) => ({ service: "ec2", operation: "ModifyVpcAttribute", parameters }))}
    >
      <Checkbox
        data-testid="dns-support"
        checked={dns.EnableDnsSupport}
        onChange={({ detail }) => {
          setDns({ ...dns, EnableDnsSupport: detail.checked });
        }}
      >
        {t("dns.supportEnable")}
      </Checkbox>
      <Checkbox
        data-testid="dns-hostnames"
        checked={dns.EnableDnsHostnames}
        onChange={({ detail }) => {
          setDns({ ...dns, EnableDnsHostnames: detail.checked });
        }}
      >
        {t("dns.hostnamesEnable")}
      </Checkbox>
    </EditModal>
  );
}
