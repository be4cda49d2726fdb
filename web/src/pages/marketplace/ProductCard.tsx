import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Certified } from "../../common/Certified";
import { ResourceLink } from "../../common/ResourceLink";
import { type Product, title } from "./products";
import { Terms } from "./Terms";

/** One product with what a buyer asks, and the one step that comes next: accept, then launch. */
export function ProductCard({ product, onAccept }: { product: Product; onAccept: () => void }) {
  const { t } = useTranslation("marketplace");
  const navigate = useNavigate();
  const { newest } = product;
  const name = title(newest);
  return (
    <div data-testid={`product-${product.code}`}>
      <Container
        header={
          <Header
            variant="h2"
            description={newest.description}
            actions={
              newest.accepted ? (
                <Button
                  variant="primary"
                  data-testid="launch"
                  ariaLabel={t("launchThis", { name })}
                  onClick={() => void navigate(`/instances/launch?image=${newest.id}`)}
                >
                  {t("launch")}
                </Button>
              ) : (
                <Button data-testid="accept" ariaLabel={t("acceptThis", { name })} onClick={onAccept}>
                  {t("accept.title")}
                </Button>
              )
            }
          >
            {name}
          </Header>
        }
      >
        <SpaceBetween size="m">
          <KeyValuePairs
            columns={3}
            items={[
              { label: t("vendor"), value: newest.vendor || "–" },
              { label: t("version"), value: product.versions.map((one) => one.version).join(", ") || "–" },
              { label: t("kind"), value: newest.kind || "–" },
              { label: t("handling"), value: newest.in_kernel ? t("inKernel") : t("userSpace") },
              {
                label: t("terms"),
                value: newest.accepted ? (
                  <StatusIndicator type="success">{t("accepted")}</StatusIndicator>
                ) : (
                  <StatusIndicator type="pending">{t("notAccepted")}</StatusIndicator>
                ),
              },
              { label: "AMI ID", value: <ResourceLink to={`/images/${newest.id}`}>{newest.id}</ResourceLink> },
              { label: t("certify:title"), value: <Certified result={newest.certification} /> },
              { label: t("code"), value: product.code },
            ]}
          />
          <ExpandableSection headerText={t("termsText")}>
            <Terms text={newest.licence} />
          </ExpandableSection>
        </SpaceBetween>
      </Container>
    </div>
  );
}
