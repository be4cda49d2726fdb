import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRead } from "../../api/read";
import { useNotify } from "../../common/notify";
import type { MarketplaceAnswer } from "../../generated/read-api";
import { AcceptTerms } from "../marketplace/AcceptTerms";
import { products, title } from "../marketplace/products";

/** Beside an image whose terms refused a launch: they are accepted here, so that nothing typed is lost. */
export function TermsFirst({ code, onAccepted }: { code: string; onAccepted: () => void }) {
  const { t } = useTranslation(["instances", "marketplace"]);
  const notify = useNotify();
  const [open, setOpen] = useState(false);
  const answer = useRead<MarketplaceAnswer>("marketplace");
  const product = products(answer.data?.products ?? []).find((one) => one.code === code);
  return (
    <>
      <Button
        formAction="none"
        data-testid="terms-first"
        disabled={!product}
        onClick={() => {
          setOpen(true);
        }}
      >
        {t("launch.needsTerms")}
      </Button>
      {open && product && (
        <AcceptTerms
          product={product}
          onClose={() => {
            setOpen(false);
          }}
          onDone={() => {
            notify.success(t("marketplace:accept.done", { name: title(product.newest) }));
            setOpen(false);
            onAccepted();
          }}
        />
      )}
    </>
  );
}
