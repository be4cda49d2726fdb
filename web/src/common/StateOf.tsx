import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

const TYPES: Record<string, StatusIndicatorProps.Type> = {
  active: "success",
  available: "success",
  healthy: "success",
  running: "success",
  associated: "success",
  attached: "success",
  completed: "success",
  ok: "success",
  "in-use": "success",
  pending: "pending",
  pendingAcceptance: "pending",
  provisioning: "in-progress",
  initial: "in-progress",
  draining: "in-progress",
  stopping: "in-progress",
  "shutting-down": "in-progress",
  deleting: "in-progress",
  associating: "in-progress",
  stopped: "stopped",
  terminated: "stopped",
  deleted: "stopped",
  unused: "stopped",
  disabled: "stopped",
  unhealthy: "error",
  failed: "error",
  blackhole: "error",
  rejected: "error",
  expired: "error",
  active_impaired: "warning",
  unavailable: "warning",
};

/** A state in AWS's own word (AWS's Korean console leaves these in English too), with the colour that it means. */
export function StateOf({ state }: { state: string | undefined }) {
  if (!state) return <>–</>;
  return <StatusIndicator type={TYPES[state] ?? "info"}>{state}</StatusIndicator>;
}
