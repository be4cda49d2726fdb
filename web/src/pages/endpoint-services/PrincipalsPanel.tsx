import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAws, useAwsAction } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ResourceTable } from "../../common/ResourceTable";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";
import { AllowPrincipals } from "./AllowPrincipals";

const idOf = (one: ec2.AllowedPrincipal) => one.Principal ?? "";

/** The tab "Allow principals": who may make endpoints to the service. */
export function PrincipalsPanel({ service }: { service: string }) {
  const { t } = useTranslation("endpoint-services");
  const { data, isPending, error } = useAws("ec2", "DescribeVpcEndpointServicePermissions", { ServiceId: service });
  const remove = useAwsAction("ec2", "ModifyVpcEndpointServicePermissions");
  const { selected, onSelect } = useSelected(data?.AllowedPrincipals, idOf);
  const [asking, ask] = useState<"allow" | "remove" | null>(null);
  const close = () => {
    ask(null);
  };
  return (
    <>
      <ResourceTable<ec2.AllowedPrincipal>
        title={t("principals.title")}
        variant="container"
        items={data?.AllowedPrincipals}
        loading={isPending}
        error={error}
        id={idOf}
        selection="multi"
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("principal", t("principals.arn"), idOf),
          textColumn("type", t("principals.type"), (one) => one.PrincipalType),
          textColumn("id", t("principals.id"), (one) => one.ServicePermissionId),
        ]}
        empty={{ title: t("principals.empty"), description: t("principals.emptyExplained") }}
        actions={
          <>
            <Button
              data-testid="remove-principals"
              disabled={selected.length === 0}
              onClick={() => {
                ask("remove");
              }}
            >
              {t("principals.remove")}
            </Button>
            <Button
              data-testid="allow-principals"
              onClick={() => {
                ask("allow");
              }}
            >
              {t("principals.allow")}
            </Button>
          </>
        }
      />
      {asking === "allow" && <AllowPrincipals service={service} onClose={close} />}
      {asking === "remove" && (
        <ConfirmDelete
          title={t("principals.remove")}
          names={selected.map(idOf)}
          onConfirm={() => remove.mutateAsync({ ServiceId: service, RemoveAllowedPrincipals: selected.map(idOf) })}
          onClose={close}
        />
      )}
    </>
  );
}
