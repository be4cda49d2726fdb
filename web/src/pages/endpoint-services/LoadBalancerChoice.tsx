import FormField from "@cloudscape-design/components/form-field";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import Button from "@cloudscape-design/components/button";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import type { elbv2 } from "../../generated/aws";

const arnOf = (one: elbv2.LoadBalancer) => one.LoadBalancerArn ?? "";

/** "Available load balancers": those that serve the endpoints of a service. */
export function LoadBalancerChoice(props: {
  chosen: readonly string[];
  onChange: (arns: string[]) => void;
  errorText?: string | undefined;
}) {
  const { t } = useTranslation(["endpoint-services", "common", "network"]);
  const navigate = useNavigate();
  const { data, isPending, error } = useAws("elbv2", "DescribeLoadBalancers", {});
  const gateways = data?.LoadBalancers?.filter((one) => one.Type === "gateway");
  return (
    <FormField stretch errorText={props.errorText}>
      <ResourceTable<elbv2.LoadBalancer>
        title={t("availableBalancers")}
        description={t("availableBalancersWhat")}
        variant="container"
        items={gateways}
        loading={isPending}
        error={error}
        id={arnOf}
        selection="multi"
        selected={gateways?.filter((one) => props.chosen.includes(arnOf(one))) ?? []}
        onSelect={(items) => {
          props.onChange(items.map(arnOf));
        }}
        testId="balancers"
        columns={[
          textColumn("name", t("common:name"), (one) => one.LoadBalancerName),
          textColumn("zones", t("network:zones"), (one) =>
            one.AvailabilityZones?.map((zone) => zone.ZoneName).join(", "),
          ),
          textColumn("vpc", "VPC", (one) => one.VpcId),
          textColumn(
            "state",
            t("common:state"),
            (one) => one.State?.Code,
            (one) => <StateOf state={one.State?.Code} />,
          ),
        ]}
        empty={{
          title: t("noBalancers"),
          action: (
            <Button formAction="none" onClick={() => void navigate("/load-balancers/create")}>
              {t("createBalancer")}
            </Button>
          ),
        }}
      />
    </FormField>
  );
}
