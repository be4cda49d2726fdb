import Box from "@cloudscape-design/components/box";
import { useTranslation } from "react-i18next";
import { useAws } from "../../api/aws";
import { EditModal } from "../../common/EditModal";
import { useSubmit } from "../../common/useCalls";
import type { ec2 } from "../../generated/aws";

/** Makes a table the one that subnets without a table of their own use. */
export function SetMain({ table, onClose }: { table: ec2.RouteTable; onClose: () => void }) {
  const { t } = useTranslation("route-tables");
  const id = table.RouteTableId ?? "";
  const { data } = useAws("ec2", "DescribeRouteTables", {
    Filters: [
      { Name: "vpc-id", Values: [table.VpcId ?? ""] },
      { Name: "association.main", Values: ["true"] },
    ],
  });
  const association = data?.RouteTables?.[0]?.Associations?.find((one) => one.Main)?.RouteTableAssociationId ?? "";
  const parameters = { AssociationId: association, RouteTableId: id };
  const form = useSubmit((call) => call("ec2", "ReplaceRouteTableAssociation", parameters), onClose);
  return (
    <EditModal
      title={t("setMain.title")}
      submitText={t("setMain.submit")}
      testId="set-main-form"
      onSubmit={form.submit}
      onClose={onClose}
      busy={form.busy}
      error={form.problem}
      calls={[{ service: "ec2", operation: "ReplaceRouteTableAssociation", parameters }]}
    >
      <Box>{t("setMain.what", { id })}</Box>
    </EditModal>
  );
}
