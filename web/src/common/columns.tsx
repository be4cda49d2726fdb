import type { TableProps } from "@cloudscape-design/components/table";
import type { ReactNode } from "react";
import { ResourceLink } from "./ResourceLink";
import { StateOf } from "./StateOf";
import { VpcLink } from "./VpcLinks";

/** A column of texts, sorted as texts with numbers in them are read; `cell` where more than the text is shown. */
export function textColumn<T>(
  id: string,
  header: string,
  text: (item: T) => string | undefined,
  cell?: (item: T) => ReactNode,
): TableProps.ColumnDefinition<T> {
  return {
    id,
    header,
    cell: (item) => cell?.(item) ?? (text(item) || "–"),
    sortingComparator: (one, other) =>
      (text(one) ?? "").localeCompare(text(other) ?? "", undefined, { numeric: true, sensitivity: "base" }),
    minWidth: 110,
  };
}

/** What a row is called, leading to its own page. */
export function linkColumn<T>(
  id: string,
  header: string,
  text: (item: T) => string,
  path: (item: T) => string,
): TableProps.ColumnDefinition<T> {
  return textColumn(id, header, text, (item) => <ResourceLink to={path(item)}>{text(item)}</ResourceLink>);
}

/** A state in AWS's word, with its colour. */
export function stateColumn<T>(header: string, state: (item: T) => string | undefined): TableProps.ColumnDefinition<T> {
  return textColumn("state", header, state, (item) => <StateOf state={state(item)} />);
}

/** Where a row's resource lives. */
export function vpcColumn<T extends { VpcId?: string }>(): TableProps.ColumnDefinition<T> {
  return textColumn<T>(
    "vpc",
    "VPC",
    (item) => item.VpcId,
    (item) => <VpcLink id={item.VpcId} />,
  );
}
