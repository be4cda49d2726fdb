import Spinner from "@cloudscape-design/components/spinner";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { useAws } from "../../api/aws";
import { ErrorAlert } from "../../common/ErrorAlert";
import { fieldErrors } from "../../common/fieldErrors";
import { FormPage } from "../../common/FormPage";
import { targetGroupPath } from "../../common/paths";
import { useSubmit } from "../../common/useCalls";
import type { elbv2 } from "../../generated/aws";
import { describedTargets, type Pending, TARGET_RULES } from "./form/pending";
import { TargetPicker } from "./form/TargetPicker";
import { groupArn, groupName, useTargetGroup } from "./groups";

export default function RegisterTargetsPage() {
  const { id = "" } = useParams();
  const { group, error } = useTargetGroup(id);
  if (error) return <ErrorAlert error={error} />;
  return group ? <RegisterTargets group={group} /> : <Spinner size="large" />;
}

function RegisterTargets({ group }: { group: elbv2.TargetGroup }) {
  const { t } = useTranslation("target-groups");
  const navigate = useNavigate();
  const arn = groupArn(group);
  const [pending, setPending] = useState<Pending[]>([]);
  const health = useAws("elbv2", "DescribeTargetHealth", { TargetGroupArn: arn });
  // A draining target may be registered again.
  const registered = useMemo(
    () =>
      new Set(
        (health.data?.TargetHealthDescriptions ?? [])
          .filter((one) => one.TargetHealth?.State !== "draining")
          .map((one) => one.Target?.Id ?? ""),
      ),
    [health.data],
  );
  const input: elbv2.RegisterTargetsInput = { TargetGroupArn: arn, Targets: describedTargets(pending) };
  const form = useSubmit(
    async (call) => {
      if (pending.length > 0) await call("elbv2", "RegisterTargets", input);
    },
    () => void navigate(targetGroupPath(arn)),
  );
  const errors = fieldErrors(form.problem, TARGET_RULES);
  return (
    <FormPage
      title={t("register.title")}
      description={t("register.what", { name: groupName(group) })}
      submitText={t("register.submit")}
      onSubmit={form.submit}
      busy={form.busy}
      error={errors.rest}
      calls={pending.length === 0 ? [] : [{ service: "elbv2", operation: "RegisterTargets", parameters: input }]}
      back={targetGroupPath(arn)}
      testId="register-form"
    >
      <TargetPicker
        targetType={group.TargetType === "ip" ? "ip" : "instance"}
        vpc={group.VpcId ?? ""}
        pending={pending}
        registered={registered}
        onChange={setPending}
        errorText={errors.at("targets")}
      />
    </FormPage>
  );
}
