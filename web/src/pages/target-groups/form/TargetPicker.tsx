import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { AddressPicker } from "./AddressPicker";
import type { TargetType } from "./draft";
import { InstancePicker } from "./InstancePicker";
import { type Pending, withPending } from "./pending";
import { PendingTable } from "./PendingTable";

const NOBODY: ReadonlySet<string> = new Set();

/** Choose above, review below: AWS's "Register targets". */
export function TargetPicker({
  targetType,
  vpc,
  pending,
  onChange,
  registered = NOBODY,
  errorText,
}: {
  targetType: TargetType;
  vpc: string;
  pending: readonly Pending[];
  onChange: (pending: Pending[]) => void;
  /** Targets that the group has already. */
  registered?: ReadonlySet<string>;
  errorText?: string;
}) {
  const taken = useMemo(() => new Set([...registered, ...pending.map((one) => one.id)]), [registered, pending]);
  const include = (chosen: Pending[]) => {
    onChange(withPending(pending, chosen));
  };
  return (
    <SpaceBetween size="l">
      {targetType === "instance" ? (
        <InstancePicker vpc={vpc} taken={taken} onInclude={include} />
      ) : (
        <AddressPicker vpc={vpc} onInclude={include} />
      )}
      {errorText !== undefined && (
        <Alert type="error" data-testid="targets-error">
          {errorText}
        </Alert>
      )}
      <PendingTable pending={pending} onChange={onChange} />
    </SpaceBetween>
  );
}
