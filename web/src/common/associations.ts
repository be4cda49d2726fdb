/** Which subnets and gateways use a table, and the calls that change it. Pure. */

import type { Call } from "./Equivalent";
import type { ec2 } from "../generated/aws";

export type Side = "SubnetId" | "GatewayId";

/** Explicit associations of one side: id of the subnet or gateway -> association. */
export const explicit = (table: ec2.RouteTable, side: Side): Map<string, string> =>
  new Map(
    (table.Associations ?? []).flatMap((one) => {
      const id = one[side];
      return id ? [[id, one.RouteTableAssociationId ?? ""] as const] : [];
    }),
  );

export const isMain = (table: ec2.RouteTable): boolean => (table.Associations ?? []).some((one) => one.Main === true);

/** The table that a subnet or gateway uses: its own association, or for subnets the VPC's main table. */
export function tableOf(tables: readonly ec2.RouteTable[], side: Side, id: string): ec2.RouteTable | undefined {
  const own = tables.find((table) => explicit(table, side).has(id));
  return own ?? (side === "SubnetId" ? tables.find(isMain) : undefined);
}

/** Calls after which exactly `chosen` are associated explicitly: those of another table move over, new ones come, others go. */
export function associationCalls(
  tables: readonly ec2.RouteTable[],
  table: ec2.RouteTable,
  side: Side,
  chosen: readonly string[],
): Call[] {
  const id = table.RouteTableId ?? "";
  const here = explicit(table, side);
  const come = chosen
    .filter((one) => !here.has(one))
    .map((one): Call => {
      const other = tables.find((each) => explicit(each, side).has(one));
      const moved = other && explicit(other, side).get(one);
      return moved
        ? call("ReplaceRouteTableAssociation", { AssociationId: moved, RouteTableId: id })
        : call("AssociateRouteTable", { RouteTableId: id, [side]: one });
    });
  const go = [...here].filter(([one]) => !chosen.includes(one));
  return [...come, ...go.map(([, association]) => call("DisassociateRouteTable", { AssociationId: association }))];
}

const call = (operation: string, parameters: object): Call => ({ service: "ec2", operation, parameters });
