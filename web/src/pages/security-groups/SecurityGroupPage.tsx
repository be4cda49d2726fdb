import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { idAndName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { RulesTable } from "./RulesTable";

export default function SecurityGroupPage() {
  const { t } = useTranslation("security-groups");
  const { id = "" } = useParams();
  const answer = useAws("ec2", "DescribeSecurityGroups", { GroupIds: [id] });
  const group = answer.data?.SecurityGroups?.[0];
  return (
    <ContentLayout header={<Header variant="h1">{group ? idAndName(id, group) : id}</Header>}>
      <SpaceBetween size="l">
        {answer.error && <ErrorAlert error={answer.error} />}
        {group && (
          <>
            <Container header={<Header variant="h2">{t("details")}</Header>}>
              <KeyValuePairs
                columns={3}
                items={[
                  { label: t("groupName"), value: group.GroupName },
                  { label: t("id"), value: id },
                  { label: t("description"), value: group.Description },
                  { label: "VPC", value: <ResourceLink to={`/vpcs/${group.VpcId ?? ""}`}>{group.VpcId}</ResourceLink> },
                  { label: t("owner"), value: group.OwnerId },
                ]}
              />
            </Container>
            <Tabs
              tabs={(["inbound", "outbound"] as const).map((direction) => ({
                id: direction,
                label: t(direction),
                content: <RulesTable group={id} direction={direction} />,
              }))}
            />
          </>
        )}
      </SpaceBetween>
    </ContentLayout>
  );
}
