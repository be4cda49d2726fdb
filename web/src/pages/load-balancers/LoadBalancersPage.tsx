import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Actions } from "../../common/Actions";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { loadBalancerPath } from "../../common/paths";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import { VpcLink } from "../../common/VpcLinks";
import type { elbv2 } from "../../generated/aws";
import { useFormat } from "../../i18n/format";
import { balancerArn, balancerName, useDeleteBalancers, useLoadBalancers, zonesOf } from "./balancers";

export default function LoadBalancersPage() {
  const { t } = useTranslation("load-balancers");
  const navigate = useNavigate();
  const format = useFormat();
  const { data, isPending, error } = useLoadBalancers();
  const { selected, onSelect, only } = useSelected(data?.LoadBalancers, balancerArn);
  const remove = useDeleteBalancers();
  const [deleting, setDeleting] = useState(false);
  const go = (tab: string) => () => {
    if (only) void navigate(`${loadBalancerPath(balancerArn(only))}?tab=${tab}`);
  };
  const create = (
    <Button variant="primary" data-testid="create" onClick={() => void navigate("/load-balancers/create")}>
      {t("create")}
    </Button>
  );
  return (
    <>
      <ResourceTable<elbv2.LoadBalancer>
        title={t("title")}
        testId="load-balancers"
        items={data?.LoadBalancers}
        loading={isPending}
        error={error}
        id={balancerArn}
        selection="multi"
        selected={selected}
        onSelect={onSelect}
        empty={{ title: t("empty"), description: t("emptyWhat"), action: create }}
        actions={
          <>
            <Actions
              disabled={selected.length === 0}
              items={[
                { id: "subnets", text: t("editSubnets"), disabled: !only, run: go("network") },
                { id: "attributes", text: t("editAttributes"), disabled: !only, run: go("attributes") },
                {
                  id: "delete",
                  text: t("common:delete"),
                  run: () => {
                    setDeleting(true);
                  },
                },
              ]}
            />
            {create}
          </>
        }
        columns={[
          textColumn("name", t("wizard.name"), balancerName, (one) => (
            <ResourceLink to={loadBalancerPath(balancerArn(one))}>{balancerName(one)}</ResourceLink>
          )),
          textColumn(
            "state",
            t("common:state"),
            (one) => one.State?.Code,
            (one) => <StateOf state={one.State?.Code} />,
          ),
          textColumn("type", t("type"), (one) => one.Type),
          textColumn("ip", t("ipAddressType"), (one) => one.IpAddressType),
          textColumn(
            "vpc",
            "VPC",
            (one) => one.VpcId,
            (one) => <VpcLink id={one.VpcId} />,
          ),
          textColumn("zones", t("zones"), (one) => format.list(zonesOf(one))),
          textColumn("dns", t("dnsName"), () => t("noDns")),
          textColumn(
            "created",
            t("created"),
            (one) => one.CreatedTime,
            (one) => format.date(one.CreatedTime),
          ),
        ]}
      />
      {deleting && (
        <ConfirmDelete
          title={t("delete")}
          names={selected.map(balancerName)}
          onConfirm={() => remove(selected)}
          onClose={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}
