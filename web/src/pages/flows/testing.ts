import type { Flow } from "./flow";

/** A flow for tests. */
export function aFlow(some: Partial<Flow> = {}): Flow {
  return {
    endpoint: "vpce-1",
    protocol: "tcp",
    source: "198.51.100.7",
    source_port: 40000,
    destination: "10.0.0.5",
    destination_port: 80,
    target: "i-1",
    target_name: "fw-1",
    target_address: "10.9.0.4",
    zone: "local-1a",
    target_state: "healthy",
    state: "established",
    why: "hash",
    verdict: "decapsulated",
    cookie: "0x00000001",
    age_s: 3,
    idle_s: 1,
    expires_s: 349,
    packets: 5,
    packets_forward: 3,
    packets_backward: 2,
    bytes: 500,
    bytes_forward: 300,
    bytes_backward: 200,
    ...some,
  };
}
