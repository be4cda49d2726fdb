/** What became of packets, by verdict: those of bpf/shared/verdicts.h that are no drops. */

const GO_ON: ReadonlySet<string> = new Set([
  "eni_forwarded",
  "arp_answered",
  "to_router",
  "to_service",
  "neighbour_answered",
  "igw_out",
  "igw_in",
  "encapsulated",
  "too_big_answered",
  "tcp_reset_unknown",
  "tcp_reset_unhealthy",
  "tcp_reset_deregistered",
  "decapsulated",
  "not_geneve",
  "decapsulated_changed",
  "inspector_returned",
  "inspector_not_geneve",
  "uplink_in",
  "uplink_out",
]);

export const isDrop = (verdict: string): boolean => !GO_ON.has(verdict);
