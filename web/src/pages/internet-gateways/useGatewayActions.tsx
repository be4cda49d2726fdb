import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import type { Action } from "../../common/Actions";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { idAndName } from "../../common/names";
import type { ec2 } from "../../generated/aws";
import { AttachForm } from "./AttachForm";

export const vpcOf = (gateway: ec2.InternetGateway): string | undefined => gateway.Attachments?.[0]?.VpcId;

/** Attach, detach, delete: the menu of one gateway, and the dialog that an entry opens. */
export function useGatewayActions(
  gateway: ec2.InternetGateway | undefined,
  onDeleted: () => void = () => undefined,
): { items: Action[]; dialog: ReactNode } {
  const { t } = useTranslation("internet-gateways");
  const [asking, ask] = useState<"attach" | "detach" | "delete" | null>(null);
  const detach = useAwsAction("ec2", "DetachInternetGateway");
  const remove = useAwsAction("ec2", "DeleteInternetGateway");
  const close = () => {
    ask(null);
  };
  const vpc = gateway && vpcOf(gateway);
  const id = gateway?.InternetGatewayId ?? "";
  const items: Action[] = (["attach", "detach", "delete"] as const).map((one) => ({
    id: one,
    text: t(`${one}.title`),
    disabled: one === "detach" ? vpc === undefined : vpc !== undefined,
    reason: one === "detach" ? t("notAttached") : t("stillAttached"),
    run: () => {
      ask(one);
    },
  }));
  const dialog = gateway && (
    <>
      {asking === "attach" && <AttachForm gateway={id} onClose={close} />}
      {asking === "detach" && vpc && (
        <ConfirmDelete
          title={t("detach.title")}
          names={[`${idAndName(id, gateway)} – ${vpc}`]}
          onConfirm={() => detach.mutateAsync({ InternetGatewayId: id, VpcId: vpc })}
          onClose={close}
        />
      )}
      {asking === "delete" && (
        <ConfirmDelete
          title={t("delete.title")}
          names={[idAndName(id, gateway)]}
          onConfirm={() => remove.mutateAsync({ InternetGatewayId: id }).then(onDeleted)}
          onClose={close}
        />
      )}
    </>
  );
  return { items, dialog };
}
