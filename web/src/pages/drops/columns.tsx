import Box from "@cloudscape-design/components/box";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { TableProps } from "@cloudscape-design/components/table";
import type { TFunction } from "i18next";
import { ResourceLink } from "../../common/ResourceLink";
import type { Format } from "../../i18n/format";
import { type Line, pageOf, whyOf } from "./board";
import { keyOf, ratesOf, type Second } from "./history";
import { LastPackets } from "./LastPackets";
import { Sparkline } from "./Sparkline";

export function dropColumns(
  t: TFunction,
  format: Format,
  seconds: readonly Second[],
): TableProps.ColumnDefinition<Line>[] {
  return [
    { id: "verdict", header: t("verdict"), isRowHeader: true, minWidth: 260, cell: (line) => <What line={line} /> },
    { id: "packets", header: t("packets"), minWidth: 90, cell: (line) => format.short(line.packets) },
    { id: "rate", header: t("rate"), minWidth: 90, cell: (line) => format.short(line.rate) },
    {
      id: "lately",
      header: t("lately"),
      minWidth: 150,
      cell: ({ where, box, verdict }) => {
        if (where === null) return "–";
        const rates = ratesOf(seconds, keyOf(where, box, verdict));
        const [now, most] = [format.short(rates.at(-1) ?? 0), format.short(Math.max(0, ...rates))];
        return <Sparkline rates={rates} label={t("latelyOf", { verdict, where, now, most })} />;
      },
    },
    { id: "where", header: t("where"), minWidth: 190, cell: (line) => <Where line={line} /> },
    { id: "last", header: t("last"), minWidth: 260, cell: (line) => <LastPackets packets={line.last} /> },
    {
      id: "why",
      header: t("why"),
      minWidth: 120,
      cell: (line) => {
        const why = whyOf(line);
        if (!why) return "–";
        const of = t("whyOf", { verdict: line.verdict, where: line.where });
        return (
          <ResourceLink to={why.to} ariaLabel={`${t(why.page)} – ${of}`}>
            {t(why.page)}
          </ResourceLink>
        );
      },
    },
  ];
}

function What({ line }: { line: Line }) {
  if (line.where === null) {
    return (
      <Box color="text-status-inactive">
        {line.verdict}
        <div>{line.meaning}</div>
      </Box>
    );
  }
  return (
    <>
      <StatusIndicator type={line.rate > 0 ? "error" : "stopped"}>{line.verdict}</StatusIndicator>
      <div>{line.meaning}</div>
    </>
  );
}

function Where({ line: { where, box, device } }: { line: Line }) {
  if (where === null) return <>–</>;
  const page = pageOf(where);
  return (
    <>
      {page === null ? where : <ResourceLink to={page}>{where}</ResourceLink>}
      {box !== null && box !== where && (
        <Box variant="small" display="block">
          {device === null ? box : `${box} · ${device}`}
        </Box>
      )}
    </>
  );
}
