import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAwsAction } from "../../api/aws";
import { textColumn } from "../../common/columns";
import { ConfirmDelete } from "../../common/ConfirmDelete";
import { ResourceTable } from "../../common/ResourceTable";
import { StateOf } from "../../common/StateOf";
import { useSelected } from "../../common/useSelected";
import type { ec2 } from "../../generated/aws";
import { AddBlock } from "./AddBlock";
import { type Block, blocksOf } from "./blocks";

const idOf = (block: Block) => block.association;

/** The tab "CIDR": blocks of both protocols, added and removed. */
export function BlocksPanel({ vpc }: { vpc: ec2.Vpc }) {
  const { t } = useTranslation(["vpcs", "common"]);
  const blocks = blocksOf(vpc);
  const { selected, onSelect, only } = useSelected(blocks, idOf);
  const [asking, ask] = useState<"add" | "remove" | null>(null);
  const remove = useAwsAction("ec2", "DisassociateVpcCidrBlock");
  const close = () => {
    ask(null);
  };
  return (
    <>
      <ResourceTable<Block>
        title="CIDR"
        variant="container"
        items={blocks}
        loading={false}
        id={idOf}
        selected={selected}
        onSelect={onSelect}
        columns={[
          textColumn("cidr", t("blocks.cidr"), (one) => one.cidr),
          textColumn("version", t("blocks.version"), (one) => one.version),
          textColumn(
            "state",
            t("common:state"),
            (one) => one.state,
            (one) => <StateOf state={one.state} />,
          ),
          textColumn("association", t("blocks.association"), idOf),
        ]}
        empty={{ title: t("common:none") }}
        actions={
          <>
            <Button
              data-testid="remove-cidr"
              disabled={!only}
              onClick={() => {
                ask("remove");
              }}
            >
              {t("blocks.remove")}
            </Button>
            <Button
              data-testid="add-cidr"
              onClick={() => {
                ask("add");
              }}
            >
              {t("blocks.add")}
            </Button>
          </>
        }
      />
      {asking === "add" && <AddBlock vpc={vpc.VpcId ?? ""} onClose={close} />}
      {asking === "remove" && only && (
        <ConfirmDelete
          title={t("blocks.remove")}
          names={[only.cidr]}
          onConfirm={() => remove.mutateAsync({ AssociationId: only.association })}
          onClose={close}
        />
      )}
    </>
  );
}
