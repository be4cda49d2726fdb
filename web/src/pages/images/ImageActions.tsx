import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Actions } from "../../common/Actions";
import type { ec2 } from "../../generated/aws";
import { useScope } from "../../session/scope";
import { DeregisterImage } from "./DeregisterImage";
import { EditPermissions } from "./EditPermissions";

type Open = "permissions" | "deregister";

/** The menu "Actions" of an image. Only its owner changes it, as on AWS. */
export function ImageActions({ image, onGone }: { image: ec2.Image | undefined; onGone?: () => void }) {
  const { t } = useTranslation("images");
  const { account } = useScope();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => {
    setOpen(null);
  };
  const own = image?.OwnerId === account;
  const item = (id: Open) => ({
    id,
    text: t(`${id}.title`),
    disabled: !own,
    reason: own ? undefined : t("notOwner"),
    run: () => {
      setOpen(id);
    },
  });
  return (
    <>
      <Actions disabled={image === undefined} items={[item("permissions"), item("deregister")]} />
      {image && open === "permissions" && <EditPermissions id={image.ImageId ?? ""} onClose={close} />}
      {image && open === "deregister" && <DeregisterImage image={image} onClose={close} onGone={onGone} />}
    </>
  );
}
