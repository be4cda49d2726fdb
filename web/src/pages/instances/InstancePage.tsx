import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useAws } from "../../api/aws";
import { CaptureButton } from "../../common/CaptureButton";
import { CommandText } from "../../common/CommandText";
import { textColumn } from "../../common/columns";
import { DetailPage } from "../../common/DetailPage";
import { Findings } from "../../common/Findings";
import { idAndName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { TagsPanel } from "../../common/TagsPanel";
import type { ec2 } from "../../generated/aws";
import { useFormat } from "../../i18n/format";
import { consoleText, flat } from "./instances";
import { SecurityTab } from "./SecurityTab";
import { SourceDestCheck } from "./SourceDestCheck";
import { StateActions } from "./StateActions";
import { UserData } from "./UserData";

const CONSOLE_MS = 3000;

export default function InstancePage() {
  const { t } = useTranslation(["instances", "common"]);
  const format = useFormat();
  const { id = "" } = useParams();
  const answer = useAws("ec2", "DescribeInstances", { InstanceIds: [id] });
  const one = flat(answer.data)?.[0];
  const link = (kind: string, to: string | undefined) =>
    to ? <ResourceLink to={`/${kind}/${to}`}>{to}</ResourceLink> : "–";
  return (
    <DetailPage
      title={one ? idAndName(id, one) : id}
      error={answer.error}
      ready={one !== undefined}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <CaptureButton port={id} />
          <StateActions instances={one ? [one] : []} />
        </SpaceBetween>
      }
      notice={<Findings resource={id} />}
      details={[
        { label: t("common:state"), value: <StateOf state={one?.State?.Name} /> },
        { label: t("type"), value: one?.InstanceType },
        { label: t("image"), value: link("images", one?.ImageId) },
        { label: t("zone"), value: one?.Placement?.AvailabilityZone },
        { label: t("privateAddress"), value: one?.PrivateIpAddress ?? "–" },
        { label: t("publicAddress"), value: one?.PublicIpAddress ?? "–" },
        { label: "VPC", value: link("vpcs", one?.VpcId) },
        { label: t("subnet"), value: link("subnets", one?.SubnetId) },
        { label: t("launched"), value: format.date(one?.LaunchTime) },
        { label: t("stateReason"), value: one?.StateReason?.Message ?? "–" },
      ]}
      tabs={[
        { id: "networking", label: t("interfaces"), content: <Interfaces instance={one} /> },
        {
          id: "security",
          label: t("groups"),
          content: <SecurityTab instance={one} />,
        },
        { id: "user-data", label: t("launch.userData"), content: <UserData instance={one} /> },
        {
          id: "connect",
          label: t("connect.title"),
          content: (
            <SpaceBetween size="s">
              <Box>{t("connect.explained")}</Box>
              <CommandText text={`sudo gwlb exec ${id}`} />
            </SpaceBetween>
          ),
        },
        { id: "console", label: t("console"), content: <ConsoleOutput id={id} /> },
        {
          id: "monitoring",
          label: t("metrics:title"),
          content: <ResourceLink to={`/metrics?instance=${id}`}>{t("metrics:open")}</ResourceLink>,
        },
        { id: "tags", label: t("tags"), content: <TagsPanel id={id} tags={one?.Tags} /> },
      ]}
    />
  );
}

function Interfaces({ instance }: { instance: ec2.Instance | undefined }) {
  const { t } = useTranslation(["instances", "common"]);
  return (
    <ResourceTable<ec2.InstanceNetworkInterface>
      variant="container"
      title={t("interfaces")}
      items={instance?.NetworkInterfaces ?? []}
      loading={false}
      id={(one) => one.NetworkInterfaceId ?? ""}
      columns={[
        textColumn("id", t("interface"), (one) => one.NetworkInterfaceId),
        textColumn("private", t("privateAddress"), (one) => one.PrivateIpAddress),
        textColumn("public", t("publicAddress"), (one) => one.Association?.PublicIp),
        textColumn("subnet", t("subnet"), (one) => one.SubnetId),
        {
          id: "check",
          header: t("sourceDestCheck"),
          cell: (one) => <SourceDestCheck id={one.NetworkInterfaceId ?? ""} on={one.SourceDestCheck ?? true} />,
        },
        {
          id: "capture",
          header: t("capture:capture"),
          cell: (one) => <CaptureButton port={one.NetworkInterfaceId ?? ""} />,
        },
      ]}
      empty={{ title: t("noInterfaces") }}
    />
  );
}

function ConsoleOutput({ id }: { id: string }) {
  const { t } = useTranslation("instances");
  const { data } = useAws("ec2", "GetConsoleOutput", { InstanceId: id }, { everyMs: CONSOLE_MS });
  const text = consoleText(data?.Output);
  if (text === "") return <Box color="text-body-secondary">{t("noConsole")}</Box>;
  return (
    <div className="command">
      <pre>{text}</pre>
    </div>
  );
}
