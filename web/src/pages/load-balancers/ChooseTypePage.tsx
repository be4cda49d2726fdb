import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Cards from "@cloudscape-design/components/cards";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

const TYPES = ["gateway", "application", "network", "classic"] as const;

/** The first page of AWS's "Create load balancer": here one of the types can be created, and the others say why not. */
export default function ChooseTypePage() {
  const { t } = useTranslation("load-balancers");
  const navigate = useNavigate();
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={t("chooseTypeWhat")}>
          {t("chooseType")}
        </Header>
      }
    >
      <Cards
        data-testid="types"
        items={TYPES}
        trackBy={(type) => type}
        ariaLabels={{ itemSelectionLabel: (_, type) => t(`types.${type}`), selectionGroupLabel: t("chooseType") }}
        cardsPerRow={[{ cards: 1 }, { minWidth: 700, cards: 2 }]}
        cardDefinition={{
          header: (type) => <Header variant="h2">{t(`types.${type}`)}</Header>,
          sections: [
            {
              id: "what",
              content: (type) => (
                <Box color={type === "gateway" ? "text-body-secondary" : "text-status-inactive"}>
                  {t(`types.${type}What`)}
                </Box>
              ),
            },
            {
              id: "create",
              content: (type) => (
                <SpaceBetween size="xs">
                  <Button
                    data-testid={`create-${type}`}
                    variant={type === "gateway" ? "primary" : "normal"}
                    ariaLabel={t("createThis", { type: t(`types.${type}`) })}
                    disabled={type !== "gateway"}
                    disabledReason={t("notBuilt")}
                    onClick={() => void navigate("/load-balancers/create/gateway")}
                  >
                    {t("common:create")}
                  </Button>
                </SpaceBetween>
              ),
            },
          ],
        }}
      />
    </ContentLayout>
  );
}
