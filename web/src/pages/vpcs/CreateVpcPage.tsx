import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Tiles from "@cloudscape-design/components/tiles";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CreateLayout } from "./CreateLayout";
import { CreateVpcOnly } from "./CreateVpcOnly";

export default function CreateVpcPage() {
  const { t } = useTranslation("vpcs");
  const [what, choose] = useState("only");
  const choice = (
    <Container header={<Header variant="h2">{t("create.settings")}</Header>}>
      <Tiles
        ariaLabel={t("create.resources")}
        data-testid="resources"
        value={what}
        items={[
          { value: "only", label: t("create.only") },
          { value: "more", label: t("create.more"), description: t("create.moreWhat") },
        ]}
        onChange={({ detail }) => {
          choose(detail.value);
        }}
      />
    </Container>
  );
  return what === "only" ? <CreateVpcOnly>{choice}</CreateVpcOnly> : <CreateLayout>{choice}</CreateLayout>;
}
