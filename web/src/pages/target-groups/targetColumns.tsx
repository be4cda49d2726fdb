import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import type { TFunction } from "i18next";
import type { VirtualColumn } from "../../common/VirtualGrid";
import { StateOf } from "../../common/StateOf";
import { ShortStrip } from "./HealthStrip";
import type { TargetRow } from "./timeline";

/** A row with its tick: the table draws a row anew only when the row itself is another. */
export interface Ticked {
  row: TargetRow;
  ticked: boolean;
}

export function targetColumns(
  t: TFunction<"target-groups">,
  tick: (id: string, on: boolean) => void,
): VirtualColumn<Ticked>[] {
  return [
    {
      id: "tick",
      header: "",
      width: 40,
      cell: ({ row, ticked }) => (
        <span
          onClick={(event) => {
            event.stopPropagation();
          }}
        >
          <Checkbox
            data-testid={`select-${row.id}`}
            ariaLabel={row.id}
            checked={ticked}
            onChange={({ detail }) => {
              tick(row.id, detail.checked);
            }}
          />
        </span>
      ),
    },
    { id: "target", header: t("target"), width: 190, cell: ({ row }) => row.id, sortingValue: ({ row }) => row.id },
    {
      id: "name",
      header: t("common:name"),
      width: 120,
      cell: ({ row }) => row.timeline?.name ?? "–",
      sortingValue: ({ row }) => row.timeline?.name ?? "",
    },
    {
      id: "zone",
      header: t("register.zone"),
      width: 130,
      cell: ({ row }) => row.zone,
      sortingValue: ({ row }) => row.zone,
    },
    {
      id: "state",
      header: t("health"),
      width: 120,
      cell: ({ row }) => <StateOf state={row.state} />,
      sortingValue: ({ row }) => row.state,
    },
    {
      id: "probes",
      header: t("probes.last"),
      width: 140,
      cell: ({ row }) => <ShortStrip probes={row.timeline?.health.probes ?? []} />,
    },
    {
      id: "reason",
      header: t("reason"),
      width: 260,
      cell: ({ row }) => (
        <Box variant="span" color="text-body-secondary">
          {row.reason} {row.description}
        </Box>
      ),
      sortingValue: ({ row }) => row.reason,
    },
    {
      id: "flows",
      header: t("flows"),
      width: 80,
      align: "end",
      cell: ({ row }) => row.timeline?.flows ?? "–",
      sortingValue: ({ row }) => row.timeline?.flows ?? -1,
    },
  ];
}
