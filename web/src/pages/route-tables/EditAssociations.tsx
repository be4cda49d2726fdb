import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { FormPage } from "../../common/FormPage";
import { textColumn } from "../../common/columns";
import { idAndName } from "../../common/names";
import { useNotify } from "../../common/notify";
import { ResourceTable } from "../../common/ResourceTable";
import { make, useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";
import { associationCalls, explicit, type Side, tableOf } from "../../common/associations";

export interface Associable {
  id: string;
  name: string;
  about: string;
}

/** Which subnets, or which gateways, use a table: chosen in a list that says what each uses now. */
export function EditAssociations(props: {
  table: ec2.RouteTable;
  tables: readonly ec2.RouteTable[];
  side: Side;
  items: readonly Associable[] | undefined;
  title: string;
  listTitle: string;
  tab: string;
}) {
  const { t } = useTranslation(["route-tables", "common"]);
  const navigate = useNavigate();
  const notify = useNotify();
  const id = props.table.RouteTableId ?? "";
  const back = `/route-tables/${id}?tab=${props.tab}`;
  const [chosen, choose] = useState<readonly string[]>(() => [...explicit(props.table, props.side).keys()]);
  const calls = associationCalls(props.tables, props.table, props.side, chosen);
  const form = useSubmit(
    async (call) => {
      for (const one of calls) await make(call, one);
    },
    () => {
      notify.success(t("associationsDone", { id }));
      void navigate(back);
    },
  );
  const uses = (one: Associable) => {
    const table = tableOf(props.tables, props.side, one.id);
    return table && idAndName(table.RouteTableId, table);
  };
  return (
    <FormPage
      title={props.title}
      description={idAndName(id, props.table)}
      submitText={t("saveAssociations")}
      onSubmit={form.submit}
      busy={form.busy}
      error={form.problem}
      calls={calls}
      back={back}
      testId={`${props.tab}-form`}
    >
      <ResourceTable<Associable>
        title={props.listTitle}
        variant="container"
        items={props.items}
        loading={!props.items}
        id={(one) => one.id}
        selection="multi"
        selected={props.items?.filter((one) => chosen.includes(one.id)) ?? []}
        onSelect={(items) => {
          choose(items.map((one) => one.id));
        }}
        columns={[
          textColumn("name", t("common:name"), (one) => one.name),
          textColumn("id", "ID", (one) => one.id),
          textColumn("about", t("about"), (one) => one.about),
          textColumn("uses", t("usesNow"), uses),
        ]}
        empty={{ title: t("nothingToAssociate") }}
      />
    </FormPage>
  );
}
