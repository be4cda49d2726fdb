import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CommandText } from "../../common/CommandText";
import { ErrorAlert } from "../../common/ErrorAlert";
import { ImageProgressBar } from "../../common/ImageProgressBar";
import { useFollowImage } from "../../common/useFollowImage";
import { type Product, title } from "./products";
import { Terms } from "./Terms";

/** The terms in full; accepting also fetches what is not here yet, so it may take a while. */
export function AcceptTerms({
  product,
  onDone,
  onClose,
}: {
  product: Product;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation(["marketplace", "common"]);
  const [read, setRead] = useState(false);
  const { start, busy, progress, problem } = useFollowImage("marketplace/accept", onDone);
  return (
    <Modal
      visible
      size="large"
      header={t("accept.of", { name: title(product.newest), vendor: product.newest.vendor })}
      data-testid="accept-form"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {t("common:cancel")}
            </Button>
            <Button
              variant="primary"
              data-testid="submit"
              disabled={!read}
              disabledReason={t("accept.readFirst")}
              loading={busy}
              onClick={() => {
                start({ product: product.code });
              }}
            >
              {t("accept.title")}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Terms text={product.newest.licence} />
        <Checkbox
          checked={read}
          disabled={busy}
          data-testid="accept-terms"
          onChange={({ detail }) => {
            setRead(detail.checked);
          }}
        >
          {t("accept.agree")}
        </Checkbox>
        <CommandText text={`gwlb marketplace accept ${product.code}`} />
        {busy && <ImageProgressBar progress={progress} />}
        {problem && <ErrorAlert error={problem} />}
      </SpaceBetween>
    </Modal>
  );
}
