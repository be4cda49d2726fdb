import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useAws } from "../../../api/aws";
import { textColumn } from "../../../common/columns";
import { tagName } from "../../../common/names";
import { ResourceTable } from "../../../common/ResourceTable";
import { StateOf } from "../../../common/StateOf";
import { useSelected } from "../../../common/useSelected";
import type { ec2 } from "../../../generated/aws";
import type { Pending } from "./pending";

const idOf = (instance: ec2.Instance) => instance.InstanceId ?? "";

/** Running instances of the VPC that are not chosen yet. */
export function InstancePicker({
  vpc,
  taken,
  onInclude,
}: {
  vpc: string;
  taken: ReadonlySet<string>;
  onInclude: (chosen: Pending[]) => void;
}) {
  const { t } = useTranslation("target-groups");
  const { data, isPending, error } = useAws(
    "ec2",
    "DescribeInstances",
    {
      Filters: [
        { Name: "vpc-id", Values: [vpc] },
        { Name: "instance-state-name", Values: ["pending", "running"] },
      ],
    },
    { enabled: vpc !== "" },
  );
  const instances = useMemo(
    () =>
      data?.Reservations?.flatMap((one) => one.Instances ?? []).filter((instance) => !taken.has(idOf(instance))) ??
      (vpc === "" ? [] : undefined),
    [data, taken, vpc],
  );
  const { selected, onSelect } = useSelected(instances, idOf);
  return (
    <SpaceBetween size="s">
      <ResourceTable<ec2.Instance>
        title={t("register.instances")}
        testId="instances"
        variant="container"
        items={instances}
        loading={isPending}
        error={error}
        id={idOf}
        selection="multi"
        selected={selected}
        onSelect={onSelect}
        empty={{ title: t("register.noInstances"), description: t("register.noInstancesWhat") }}
        columns={[
          textColumn("id", t("register.instanceId"), idOf),
          textColumn("name", t("register.name"), tagName),
          textColumn(
            "state",
            t("register.state"),
            (one) => one.State?.Name,
            (one) => <StateOf state={one.State?.Name} />,
          ),
          textColumn("zone", t("register.zone"), (one) => one.Placement?.AvailabilityZone),
          textColumn("address", t("register.address"), (one) => one.PrivateIpAddress),
          textColumn("subnet", t("register.subnet"), (one) => one.SubnetId),
        ]}
      />
      <Button
        data-testid="include-pending"
        disabled={selected.length === 0}
        formAction="none"
        onClick={() => {
          onInclude(selected.map((one) => ({ id: idOf(one), note: tagName(one) })));
          onSelect([]);
        }}
      >
        {t("register.include")}
      </Button>
    </SpaceBetween>
  );
}
