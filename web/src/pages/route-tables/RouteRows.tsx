import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Select from "@cloudscape-design/components/select";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../../api/http";
import { sentence } from "../../common/fieldErrors";
import { findingsOf, useFindings } from "../../common/findings";
import { tagName } from "../../common/names";
import { StateOf } from "../../common/StateOf";
import type { ec2 } from "../../generated/aws";
import { leadsBack } from "./leadsBack";
import type { Draft } from "./routeChanges";
import { ofDestination } from "./routeFindings";
import { type Choices, destinationOf, type Kind, kindOfId, KINDS, placed } from "./routeTargets";

export interface RouteRowsProps {
  table: ec2.RouteTable;
  /** All tables, subnets and endpoints of the table's VPC. */
  tables: readonly ec2.RouteTable[];
  subnets: readonly ec2.Subnet[];
  endpoints: readonly ec2.VpcEndpoint[];
  choices: Choices;
  drafts: readonly Draft[];
  onChange: (drafts: Draft[]) => void;
  /** Beside the row with this key. */
  errors: Record<string, AwsError>;
}

/** Destination, kind of target, target and state of each route; errors and warnings beside the row that they are about. */
export function RouteRows(props: RouteRowsProps) {
  const { t } = useTranslation("route-tables");
  const [made, setMade] = useState(0);
  const findings = findingsOf(useFindings(), props.table.RouteTableId ?? "", ["Routes"]);
  const { drafts, onChange, choices } = props;
  const change = (at: number, part: Partial<Draft>) => {
    onChange(drafts.map((draft, row) => (row === at ? { ...draft, ...part } : draft)));
  };
  const saved = (draft: Draft) =>
    props.table.Routes?.find((route) => {
      const one = placed(route);
      return destinationOf(route) === draft.destination && one.kind === draft.kind && one.target === draft.target;
    });
  const warning = (draft: Draft) => {
    const found = saved(draft) && ofDestination(findings, draft.destination);
    if (found) return found.sentence;
    const back = leadsBack(props.tables, props.table.RouteTableId ?? "", props.endpoints, draft);
    return back ? t("edit.leadsBack") : undefined;
  };
  const destinations = [
    { value: "0.0.0.0/0" },
    { value: "::/0" },
    ...props.subnets.map((one) => ({ value: one.CidrBlock ?? "", description: tagName(one) || one.SubnetId })),
  ];
  const kinds = KINDS.map((kind) => ({ value: kind, label: t(`kinds.${kind}`) }));
  return (
    <AttributeEditor<Draft>
      data-testid="routes"
      items={drafts}
      addButtonText={t("edit.add")}
      removeButtonText={t("edit.remove")}
      removeButtonAriaLabel={(draft) => t("edit.removeThis", { destination: draft.destination })}
      isItemRemovable={(draft) => !draft.fixed}
      gridLayout={[
        { rows: [[3, 3, 4, 2]], breakpoint: "xs", removeButton: { width: "auto" } },
        { rows: [[1], [1], [1], [1]] },
      ]}
      onAddButtonClick={() => {
        setMade(made + 1);
        onChange([
          ...drafts,
          { key: `new ${String(made)}`, destination: "", kind: "endpoint", target: "", fixed: false },
        ]);
      }}
      onRemoveButtonClick={({ detail }) => {
        onChange(drafts.filter((_, row) => row !== detail.itemIndex));
      }}
      definition={[
        {
          label: t("destination"),
          control: (draft, row) => (
            <Autosuggest
              data-testid={`destination-${String(row)}`}
              ariaLabel={t("destination")}
              value={draft.destination}
              disabled={draft.fixed}
              options={destinations}
              enteredTextLabel={(text) => t("edit.use", { text })}
              expandToViewport
              onChange={({ detail }) => {
                change(row, { destination: detail.value });
              }}
            />
          ),
          errorText: (draft) => {
            const error = props.errors[draft.key];
            return error && sentence(error);
          },
          warningText: warning,
        },
        {
          label: t("edit.kind"),
          control: (draft, row) => (
            <Select
              data-testid={`target-kind-${String(row)}`}
              ariaLabel={t("edit.kind")}
              options={draft.fixed || draft.kind === "local" ? kinds : kinds.filter((one) => one.value !== "local")}
              selectedOption={kinds.find((one) => one.value === draft.kind) ?? null}
              expandToViewport
              onChange={({ detail }) => {
                change(row, { kind: detail.selectedOption.value as Kind, target: "" });
              }}
            />
          ),
        },
        {
          label: t("target"),
          control: (draft, row) => (
            <Autosuggest
              data-testid={`target-${String(row)}`}
              ariaLabel={t("target")}
              value={draft.kind === "local" ? "local" : draft.target}
              disabled={draft.kind === "local"}
              options={draft.kind === "local" ? [] : choices[draft.kind]}
              empty={t("edit.noTargets")}
              enteredTextLabel={(text) => t("edit.use", { text })}
              expandToViewport
              onChange={({ detail }) => {
                change(row, { target: detail.value, kind: kindOfId(detail.value) ?? draft.kind });
              }}
            />
          ),
        },
        { label: t("status"), control: (draft) => <StateOf state={saved(draft)?.State} /> },
      ]}
    />
  );
}
