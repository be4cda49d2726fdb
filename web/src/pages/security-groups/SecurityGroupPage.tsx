import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { TagsPanel } from "../../common/TagsPanel";
import { RulesTable } from "./RulesTable";

export default function SecurityGroupPage() {
  const { t } = useTranslation("security-groups");
  const { id = "" } = useParams();
  const answer = useAws("ec2", "DescribeSecurityGroups", { GroupIds: [id] });
  const group = answer.data?.SecurityGroups?.[0];
  return (
    <DetailPage
      title={group ? idAndName(id, group) : id}
      error={answer.error}
      ready={group !== undefined}
      notice={<Findings resource={id} />}
      details={[
        { label: t("groupName"), value: group?.GroupName },
        { label: t("id"), value: id },
        { label: t("description"), value: group?.Description },
        { label: "VPC", value: <ResourceLink to={`/vpcs/${group?.VpcId ?? ""}`}>{group?.VpcId}</ResourceLink> },
        { label: t("owner"), value: group?.OwnerId },
      ]}
      tabs={[
        ...(["inbound", "outbound"] as const).map((direction) => ({
          id: direction,
          label: t(direction),
          content: <RulesTable group={id} direction={direction} />,
        })),
        { id: "tags", label: t("tags"), content: <TagsPanel id={id} tags={group?.Tags} /> },
      ]}
    />
  );
}
