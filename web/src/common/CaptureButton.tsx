import Button, { type ButtonProps } from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CaptureForm } from "./CaptureForm";

/**
 * Asks how much, and downloads the packets of one place as pcapng.
 *
 * `port` is an `eni-…`, `vpce-…`, `igw-…`, `i-…`, `vpc-…`, or the ARN of a load balancer or target group; `host` narrows to one address.
 */
export function CaptureButton({
  port,
  host,
  variant = "normal",
}: {
  port: string;
  host?: string;
  variant?: ButtonProps.Variant;
}) {
  const { t } = useTranslation("capture");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        variant={variant}
        iconName="download"
        ariaLabel={t("of", { port })}
        data-testid="capture"
        onClick={() => {
          setOpen(true);
        }}
      >
        {variant.includes("icon") ? undefined : t("capture")}
      </Button>
      {open && (
        <CaptureForm
          port={port}
          host={host ?? ""}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}
