import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { linkColumn, stateColumn, textColumn, vpcColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ListPage } from "../../common/ListPage";
import { loadBalancerPath } from "../../common/paths";
import type { elbv2 } from "../../generated/aws";
import { useFormat } from "../../i18n/format";
import { balancerArn, balancerName, useDeleteBalancers, useLoadBalancers, zonesOf } from "./balancers";

export default function LoadBalancersPage() {
  const { t } = useTranslation("load-balancers");
  const navigate = useNavigate();
  const format = useFormat();
  const asked = useLoadBalancers();
  const remove = useDeleteBalancers();
  return (
    <ListPage<elbv2.LoadBalancer>
      title={t("title")}
      testId="load-balancers"
      asked={asked}
      items={asked.data?.LoadBalancers}
      id={balancerArn}
      selection="multi"
      columns={[
        linkColumn("name", t("wizard.name"), balancerName, (one) => loadBalancerPath(balancerArn(one))),
        stateColumn(t("common:state"), (one) => one.State?.Code),
        textColumn("type", t("type"), (one) => one.Type),
        textColumn("ip", t("ipAddressType"), (one) => one.IpAddressType),
        vpcColumn(),
        textColumn("zones", t("zones"), (one) => format.list(zonesOf(one))),
        textColumn("dns", t("dnsName"), () => t("noDns")),
        textColumn(
          "created",
          t("created"),
          (one) => one.CreatedTime,
          (one) => format.date(one.CreatedTime),
        ),
      ]}
      empty={{ title: t("empty"), description: t("emptyWhat") }}
      create={{ text: t("create"), to: "/load-balancers/create" }}
      actions={([first, ...more]) => {
        const disabled = more.length > 0;
        const go = (part: string) => () => first && void navigate(`${loadBalancerPath(balancerArn(first))}${part}`);
        return [
          { id: "subnets", text: t("editSubnets"), disabled, run: go("?tab=network") },
          { id: "attributes", text: t("editAttributes"), disabled, run: go("?tab=attributes") },
        ];
      }}
      remove={{
        text: t("common:delete"),
        dialog: (chosen, close) => (
          <ConfirmDelete
            title={t("delete")}
            names={chosen.map(balancerName)}
            onConfirm={() => remove(chosen)}
            onClose={close}
          />
        ),
      }}
    />
  );
}
