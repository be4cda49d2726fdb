import Box from "@cloudscape-design/components/box";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRead } from "../../api/read";
import { ErrorAlert } from "../../common/ErrorAlert";
import { useNotify } from "../../common/notify";
import type { MarketplaceAnswer } from "../../generated/read-api";
import { useSession } from "../../session/session";
import { AcceptTerms } from "./AcceptTerms";
import { Catalogues } from "./Catalogues";
import { ProductCard } from "./ProductCard";
import { type Product, products, title } from "./products";

/** Partners' appliances: their terms, accepting them, and launching. */
export default function MarketplacePage() {
  const { t } = useTranslation("marketplace");
  const { current } = useSession();
  const notify = useNotify();
  const answer = useRead<MarketplaceAnswer>("marketplace");
  const [accepting, setAccepting] = useState<Product | null>(null);
  const found = products(answer.data?.products ?? []);
  return (
    <ContentLayout
      header={
        <Header variant="h1" counter={`(${String(found.length)})`} description={t("explained")}>
          {t("title")}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {answer.error && <ErrorAlert error={answer.error} />}
        {answer.isPending && <Spinner size="large" />}
        {answer.data && found.length === 0 && <Box>{t("empty")}</Box>}
        {found.map((product) => (
          <ProductCard
            key={product.code}
            product={product}
            onAccept={() => {
              setAccepting(product);
            }}
          />
        ))}
        {current.operator && answer.data && <Catalogues locations={answer.data.catalogues} />}
      </SpaceBetween>
      {accepting && (
        <AcceptTerms
          product={accepting}
          onClose={() => {
            setAccepting(null);
          }}
          onDone={() => {
            notify.success(t("accept.done", { name: title(accepting.newest) }));
            setAccepting(null);
          }}
        />
      )}
    </ContentLayout>
  );
}
