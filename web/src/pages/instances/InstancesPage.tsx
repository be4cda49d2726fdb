import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { tagName } from "../../common/names";
import { ResourceLink } from "../../common/ResourceLink";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";
import { flat } from "./instances";
import { StateActions } from "./StateActions";

export default function InstancesPage() {
  const { t } = useTranslation(["instances", "common"]);
  const navigate = useNavigate();
  const answer = useAws("ec2", "DescribeInstances", {});
  const instances = flat(answer.data);
  const { selected, onSelect } = useSelected(instances, (one) => one.InstanceId ?? "");
  return (
    <ResourceTable<ec2.Instance>
      title={t("title")}
      items={instances}
      loading={answer.isPending}
      error={answer.error}
      id={(one) => one.InstanceId ?? ""}
      selection="multi"
      selected={selected}
      onSelect={onSelect}
      columns={[
        textColumn("name", t("common:name"), tagName),
        textColumn(
          "id",
          t("id"),
          (one) => one.InstanceId,
          (one) => <ResourceLink to={`/instances/${one.InstanceId ?? ""}`}>{one.InstanceId}</ResourceLink>,
        ),
        textColumn(
          "state",
          t("common:state"),
          (one) => one.State?.Name,
          (one) => <StateOf state={one.State?.Name} />,
        ),
        textColumn("type", t("type"), (one) => one.InstanceType),
        textColumn("zone", t("zone"), (one) => one.Placement?.AvailabilityZone),
        textColumn("private", t("privateAddress"), (one) => one.PrivateIpAddress),
        textColumn("public", t("publicAddress"), (one) => one.PublicIpAddress),
        textColumn(
          "vpc",
          "VPC",
          (one) => one.VpcId,
          (one) => one.VpcId && <ResourceLink to={`/vpcs/${one.VpcId}`}>{one.VpcId}</ResourceLink>,
        ),
        textColumn(
          "image",
          t("image"),
          (one) => one.ImageId,
          (one) => one.ImageId && <ResourceLink to={`/images/${one.ImageId}`}>{one.ImageId}</ResourceLink>,
        ),
      ]}
      empty={{
        title: t("empty"),
        description: t("emptyHint"),
        action: <Button onClick={() => void navigate("/instances/launch")}>{t("launch.title")}</Button>,
      }}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <StateActions instances={selected} />
          <Button variant="primary" data-testid="create" onClick={() => void navigate("/instances/launch")}>
            {t("launch.title")}
          </Button>
        </SpaceBetween>
      }
    />
  );
}
