import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAws } from "../../api/aws";
import { Findings } from "../../common/Findings";
import { FormPage } from "../../common/FormPage";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import type { ec2 } from "../../generated/aws";
import { RouteRows } from "./RouteRows";
import { useEditRoutes } from "./useEditRoutes";
import { useChoices } from "./useChoices";

/** "Edit routes": all routes of a table as rows; "Save routes" makes the calls that differ. */
export function EditRoutesForm({ table }: { table: ec2.RouteTable }) {
  const { t } = useTranslation(["route-tables", "network"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const id = table.RouteTableId ?? "";
  const back = `/route-tables/${id}?tab=routes`;
  const Filters = [{ Name: "vpc-id", Values: [table.VpcId ?? ""] }];
  const tables = useAws("ec2", "DescribeRouteTables", { Filters });
  const subnets = useAws("ec2", "DescribeSubnets", { Filters });
  const endpoints = useAws("ec2", "DescribeVpcEndpoints", { Filters });
  const choices = useChoices(table.VpcId ?? "");
  const { drafts, setDrafts, pending, errors, busy, save } = useEditRoutes(table);

  const submit = async () => {
    if (!(await save())) return;
    notify.success(t("edit.done", { id }));
    await navigate(back);
  };

  return (
    <FormPage
      title={t("edit.title")}
      description={idAndName(id, table)}
      submitText={t("edit.save")}
      onSubmit={() => void submit()}
      busy={busy}
      error={null}
      calls={pending.map(({ operation, parameters }) => ({ service: "ec2", operation, parameters }))}
      back={back}
      testId="routes-form"
    >
      <Findings resource={id} field="Routes" />
      <Container header={<Header variant="h2">{t("routes")}</Header>}>
        <RouteRows
          table={table}
          tables={tables.data?.RouteTables ?? []}
          subnets={subnets.data?.Subnets ?? []}
          endpoints={endpoints.data?.VpcEndpoints ?? []}
          choices={choices}
          drafts={drafts}
          onChange={setDrafts}
          errors={errors}
        />
      </Container>
    </FormPage>
  );
}
