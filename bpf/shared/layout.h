/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The only bytes that kernel and Python both read. dataplane/layout.py mirrors each struct and compares every offset with the
 * object's BTF at load. Addresses and ports are in network byte order, numbers in the machine's. No implicit padding.
 *
 * ifindexes are unique on the machine (fabric gives them out), so one map serves all boxes.
 */
#ifndef OPENGWLB_LAYOUT_H
#define OPENGWLB_LAYOUT_H

#include <linux/types.h>

#define GENEVE_PORT 6081
#define AWS_OPTION_CLASS 0x0108
#define ENCAP_LEN 68 /* IPv4 20, UDP 8, GENEVE 8, options 12 + 12 + 8 */
#define INNER_MTU 8500

#define MAX_ENIS 65536
#define MAX_NODES 1024
#define MAX_TARGETS 16384
#define MAX_ENDPOINTS 16384
#define MAGLEV_SIZE 16381

/* counters: PERCPU_HASH port_verdict -> counter. One row per port and verdict that happened. */
struct port_verdict {
	__u32 ifindex;
	__u32 verdict; /* enum verdict */
};
struct counter {
	__u64 packets; /* GSO super-packets count as their segments */
	__u64 bytes;   /* of the IP packet, headers included */
};

/* enis: HASH ifindex -> eni_config. A port of a VPC router. */
enum eni_role { ENI_ROLE_ENI = 1, ENI_ROLE_IGW = 2, ENI_ROLE_ENDPOINT = 3 };
#define ENI_SOURCE_DEST_CHECK 1
struct eni_config {
	__u32 role;
	__u32 flags;
	__u32 table;    /* kernel routing table for what enters here */
	__u32 delivery; /* kernel routing table of the VPC's host routes */
	__be32 subnet;  /* 0/0xffffffff (matches nothing) when there is none */
	__be32 mask;
	__u8 mac[6];      /* the router's end */
	__u8 peer_mac[6]; /* the other end */
};

/* eni_addresses: HASH eni_address -> u8. The addresses that an ENI may send from and receive for. */
struct eni_address {
	__u32 ifindex;
	__be32 address;
};

/* nat_out, nat_in: HASH nat_key -> __be32. Private -> public and public -> private, per IGW port. */
struct nat_key {
	__u32 ifindex;
	__be32 address;
};

/* nodes: ARRAY slot -> node_config. One zone of one load balancer; ifindex 0 is an empty slot. */
struct node_config {
	__u32 ifindex; /* the node's ENI in the GWLB's box */
	__be32 address;
	__u8 mac[6];
	__u8 peer_mac[6];
	__u32 tcp_idle_s;
	__u32 other_idle_s;
	__u32 targets; /* how many the Maglev table holds; 0 = drop new flows */
	__u32 pad;
};
/* node_ports: HASH ifindex -> slot. */

/* targets: ARRAY slot -> target_config; address 0 is an empty slot. */
struct target_config {
	__be32 address;
	__u32 generation; /* of the slot: a flow that remembers an older one has lost its target */
};

/* endpoints: HASH ifindex (the GWLB's side) -> endpoint_config. */
#define ENDPOINT_DUALSTACK 1
struct endpoint_config {
	__u64 endpoint; /* id in the TLV, machine order */
	__u32 node;
	__u32 flags;
	__u8 mac[6];
	__u8 peer_mac[6];
	__u32 pad;
};
/* endpoint_ports: HASH u64 endpoint -> u32 ifindex. */

/* maglev: ARRAY_OF_MAPS node slot -> ARRAY[MAGLEV_SIZE] of u32 target slot. */

/* inspector_rules: HASH ifindex -> inspector_policy. First match wins; no match returns the packet. */
#define INSPECTOR_RULES 32
struct inspector_rule {
	__be32 source, source_mask;
	__be32 destination, destination_mask;
	__u16 from_port, to_port; /* machine order, inclusive, destination port */
	__u8 protocol;            /* 0 any */
	__u8 deny;
	__u8 used;
	__u8 pad;
	__u32 pad2;
};
struct inspector_policy {
	struct inspector_rule rules[INSPECTOR_RULES];
};

#endif
