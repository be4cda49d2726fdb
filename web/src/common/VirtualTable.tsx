import Container from "@cloudscape-design/components/container";
import type { ReactNode } from "react";
import { VirtualGrid, type VirtualGridProps } from "./VirtualGrid";

export interface VirtualTableProps<T> extends VirtualGridProps<T> {
  /** Cloudscape's `Header`, and what filters, above the table. */
  header?: ReactNode;
}

/** A `VirtualGrid` in Cloudscape's frame, which scrolling leaves alone: it draws only what is inside. */
export function VirtualTable<T>({ header, ...grid }: VirtualTableProps<T>) {
  return (
    <Container header={header} disableContentPaddings>
      <VirtualGrid {...grid} />
    </Container>
  );
}
