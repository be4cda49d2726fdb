import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { AttributesPanel } from "../../common/AttributesPanel";
import { textColumn } from "../../common/columns";
import { arnName } from "../../common/names";
import { targetGroupPath } from "../../common/paths";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import type { elbv2 } from "../../generated/aws";
import { balancerArn } from "./balancers";
import { ListenerForm } from "./ListenerForm";

const groupOf = (listener: elbv2.Listener): string => listener.DefaultActions?.[0]?.TargetGroupArn ?? "";

/** The one listener of a Gateway Load Balancer: all traffic, to one target group. */
export function ListenersTab({ balancer }: { balancer: elbv2.LoadBalancer }) {
  const { t } = useTranslation("load-balancers");
  const [editing, setEditing] = useState(false);
  const { data, isPending, error } = useAws("elbv2", "DescribeListeners", { LoadBalancerArn: balancerArn(balancer) });
  const listener = data?.Listeners?.[0];
  const arn = listener?.ListenerArn ?? "";
  const attributes = useAws("elbv2", "DescribeListenerAttributes", { ListenerArn: arn }, { enabled: arn !== "" });
  const edit = (
    <Button
      data-testid={listener ? "edit-listener" : "add-listener"}
      disabled={isPending}
      onClick={() => {
        setEditing(true);
      }}
    >
      {listener ? t("listeners.edit") : t("listeners.add")}
    </Button>
  );
  return (
    <SpaceBetween size="l">
      <ResourceTable<elbv2.Listener>
        title={t("listeners.title")}
        testId="listeners"
        description={t("listeners.what")}
        variant="container"
        items={data?.Listeners}
        loading={isPending}
        error={error}
        id={(one) => one.ListenerArn ?? ""}
        actions={edit}
        empty={{ title: t("listeners.none"), description: t("listeners.noneWhat") }}
        columns={[
          textColumn("protocol", t("listeners.protocol"), () => t("listeners.all")),
          textColumn("action", t("listeners.action"), groupOf, (one) => (
            <>
              {t("listeners.forward")}{" "}
              <ResourceLink to={targetGroupPath(groupOf(one))}>{arnName(groupOf(one))}</ResourceLink>
            </>
          )),
          textColumn("arn", t("arn"), (one) => one.ListenerArn),
        ]}
      />
      {listener && (
        <AttributesPanel
          arn={arn}
          operation="ModifyListenerAttributes"
          attributes={attributes.data?.Attributes}
          error={attributes.error}
        />
      )}
      {editing && (
        <ListenerForm
          balancer={balancer}
          listener={listener}
          group={listener ? groupOf(listener) : ""}
          onClose={() => {
            setEditing(false);
          }}
        />
      )}
    </SpaceBetween>
  );
}
