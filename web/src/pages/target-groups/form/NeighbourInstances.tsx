import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { useQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { awsKey, callAllPages } from "../../../api/aws";
import { tagName } from "../../../common/names";
import { useScope } from "../../../session/scope";
import { useSession } from "../../../session/session";

/** Running instances of other VPCs, of every account that is signed in: their addresses can be targets. */
export function NeighbourInstances({
  vpc,
  onChoose,
}: {
  vpc: string;
  onChoose: (address: string, zone: string) => void;
}) {
  const { t } = useTranslation("target-groups");
  const scope = useScope();
  const { state } = useSession();
  const running = { Filters: [{ Name: "instance-state-name", Values: ["running"] }] };
  const answers = useQueries({
    queries: state.accounts.map(({ account }) => ({
      queryKey: awsKey({ ...scope, account }, "ec2", "DescribeInstances", running),
      queryFn: () => callAllPages({ ...scope, account }, "ec2", "DescribeInstances", running),
    })),
  });
  const groups = state.accounts.map((account, at) => ({
    label: `${account.name} (${account.account})`,
    options: (answers[at]?.data?.Reservations ?? [])
      .flatMap((one) => one.Instances ?? [])
      .filter((one) => one.VpcId !== vpc && one.PrivateIpAddress !== undefined)
      .map((one) => ({
        value: one.PrivateIpAddress ?? "",
        label: one.PrivateIpAddress ?? "",
        labelTag: one.Placement?.AvailabilityZone,
        description: `${one.InstanceId ?? ""} ${tagName(one)} · ${one.VpcId ?? ""}`,
      })),
  }));
  return (
    <FormField label={t("register.neighbours")} description={t("register.neighboursWhat")}>
      <Select
        data-testid="neighbour"
        selectedOption={null}
        placeholder={t("register.chooseNeighbour")}
        empty={t("register.noNeighbours")}
        filteringType="auto"
        options={groups.filter((group) => group.options.length > 0)}
        onChange={({ detail }) => {
          onChoose(detail.selectedOption.value ?? "", detail.selectedOption.labelTag ?? "all");
        }}
      />
    </FormField>
  );
}
