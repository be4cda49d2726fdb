import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../api/http";
import { useFormat } from "../i18n/format";
import { Buttons } from "./Buttons";
import { ErrorAlert } from "./ErrorAlert";

const PAGE = 50;

export interface ResourceTableProps<T> {
  title: string;
  description?: ReactNode;
  items: readonly T[] | undefined;
  loading: boolean;
  error?: AwsError | null;
  columns: TableProps.ColumnDefinition<T>[];
  /** What identifies a row. */
  id: (item: T) => string;
  /** Buttons of the header; the primary one last, as in AWS's console. */
  actions?: ReactNode;
  empty: { title: string; description?: string; action?: ReactNode };
  selected?: readonly T[];
  onSelect?: (items: T[]) => void;
  selection?: "single" | "multi";
  variant?: TableProps.Variant;
  testId?: string;
}

/** A list of resources with filter, sorting and pages, as AWS's console has it. */
export function ResourceTable<T>(props: ResourceTableProps<T>) {
  const { t } = useTranslation("common");
  const format = useFormat();
  const { items, filterProps, paginationProps, collectionProps, filteredItemsCount, actions } = useCollection(
    props.items ?? [],
    {
      filtering: {
        empty: <Empty {...props.empty} />,
        noMatch: <Empty title={t("table.noMatch")} />,
        filteringFunction: (item, text) => contains(item, text.toLowerCase()),
      },
      pagination: { pageSize: PAGE },
      sorting: {},
    },
  );
  const count = props.items?.length ?? 0;
  return (
    <SpaceBetween size="s">
      {props.error && <ErrorAlert error={props.error} />}
      <Table
        {...collectionProps}
        data-testid={props.testId}
        variant={props.variant ?? "full-page"}
        columnDefinitions={props.columns}
        items={items}
        trackBy={props.id}
        loading={props.loading && props.items === undefined}
        loadingText={t("table.loading")}
        selectionType={props.onSelect ? (props.selection ?? "single") : undefined}
        selectedItems={props.selected ? [...props.selected] : []}
        onSelectionChange={({ detail }) => props.onSelect?.(detail.selectedItems)}
        ariaLabels={{
          tableLabel: props.title,
          selectionGroupLabel: t("table.selection"),
          itemSelectionLabel: (_, item) => props.id(item),
          allItemsSelectionLabel: () => t("table.selectAll"),
        }}
        stickyHeader
        resizableColumns
        wrapLines={false}
        header={
          <Header
            variant={props.variant === "full-page" || !props.variant ? "awsui-h1-sticky" : "h2"}
            counter={props.items ? `(${format.number(count)})` : undefined}
            description={props.description}
            actions={<Buttons>{props.actions}</Buttons>}
          >
            {props.title}
          </Header>
        }
        filter={
          <TextFilter
            {...filterProps}
            filteringPlaceholder={t("table.find", { what: props.title })}
            filteringAriaLabel={t("table.find", { what: props.title })}
            countText={t("table.matches", { count: filteredItemsCount ?? 0 })}
            onDelayedChange={() => {
              actions.setCurrentPage(1);
            }}
          />
        }
        pagination={count > PAGE ? <Pagination {...paginationProps} /> : undefined}
      />
    </SpaceBetween>
  );
}

/** Whether any text inside the item has `text`, as AWS's own filter boxes find tags, ids and addresses alike. */
function contains(item: unknown, text: string): boolean {
  if (typeof item === "string" || typeof item === "number") return String(item).toLowerCase().includes(text);
  if (typeof item !== "object" || item === null) return false;
  return Object.values(item).some((value) => contains(value, text));
}

function Empty({ title, description, action }: { title: string; description?: string; action?: ReactNode }) {
  return (
    <Box textAlign="center" margin={{ vertical: "l" }}>
      <SpaceBetween size="s">
        <div>
          <b>{title}</b>
          {description && <Box color="text-body-secondary">{description}</Box>}
        </div>
        {action}
      </SpaceBetween>
    </Box>
  );
}
