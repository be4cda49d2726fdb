import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { arnName } from "../../common/names";
import { loadBalancerPath } from "../../common/paths";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import type { ec2 } from "../../generated/aws";

/** The tab "Load balancers". One that was deleted still stands in the service, without zones. */
export function BalancersPanel({ service }: { service: ec2.ServiceConfiguration }) {
  const { t } = useTranslation(["endpoint-services", "common", "network"]);
  const { data, isPending } = useAws("elbv2", "DescribeLoadBalancers", {});
  const found = (arn: string) => data?.LoadBalancers?.find((one) => one.LoadBalancerArn === arn);
  return (
    <ResourceTable<string>
      title={t("loadBalancers")}
      variant="container"
      items={service.GatewayLoadBalancerArns}
      loading={isPending}
      id={(arn) => arn}
      columns={[
        textColumn("name", t("common:name"), arnName, (arn) => (
          <ResourceLink to={loadBalancerPath(arn)}>{arnName(arn)}</ResourceLink>
        )),
        textColumn(
          "state",
          t("common:state"),
          (arn) => found(arn)?.State?.Code,
          (arn) => <StateOf state={found(arn)?.State?.Code} />,
        ),
        textColumn("zones", t("network:zones"), (arn) =>
          found(arn)
            ?.AvailabilityZones?.map((zone) => zone.ZoneName)
            .join(", "),
        ),
        textColumn("vpc", "VPC", (arn) => found(arn)?.VpcId),
        textColumn("arn", "ARN", (arn) => arn),
      ]}
      empty={{ title: t("noBalancers") }}
    />
  );
}
