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
#define PORTS 65536 /* maps that are arrays of ports: place ifindex % PORTS; fabric gives no two living ports the same place */
#define MAX_NODES 1024
#define MAX_TARGETS 16384
#define MAX_ENDPOINTS 16384
#define MAGLEV_SIZE 16381

/* counters: PERCPU_HASH port_verdict -> counter. One row per port and verdict that happened, but for the verdict that is in `passed`. */
struct port_verdict {
	__u32 ifindex;
	__u32 verdict; /* enum verdict */
};
struct counter {
	__u64 packets; /* GSO super-packets count as their segments */
	__u64 bytes;   /* of the IP packet, headers included */
};
/* passed: PERCPU_ARRAY port -> passed_counter. What nearly every packet of a port meets, counted without a hash. */
struct passed_counter {
	__u32 ifindex; /* whose these are */
	__u32 verdict;
	__u64 packets;
	__u64 bytes;
};

/* samples: LRU_HASH port_verdict -> drop_samples. The beginnings of the last packets that a port's drop verdict took; see lib/sample.h. */
#define SAMPLES 4
#define SAMPLE_BYTES 128 /* Ethernet 14, tunnel 68, inner IPv4 20 and TCP 20 fit */
struct drop_sample {
	__u64 begun; /* differs from `done` while the sample is being written; 0: never was */
	__u64 done;
	__u64 at_ns;  /* CLOCK_MONOTONIC */
	__u32 length; /* of the IP packet, as it arrived */
	__u32 kept;   /* bytes of head */
	__u8 head[SAMPLE_BYTES]; /* from the Ethernet header on */
};
struct drop_samples {
	__u64 taken;
	struct drop_sample last[SAMPLES];
};

/* enis: ARRAY port -> eni_config. A port of a VPC router. */
enum eni_role { ENI_ROLE_ENI = 1, ENI_ROLE_IGW = 2, ENI_ROLE_ENDPOINT = 3, ENI_ROLE_UPLINK = 4 };
#define ENI_SOURCE_DEST_CHECK 1
#define ENI_IPV6 2 /* the VPC has IPv6 */
/* Something behind the port has groups or an ACL that may refuse such packets; without these bits nobody is asked. */
#define ENI_GUARDS_4 4	  /* TCP and UDP over IPv4 */
#define ENI_GUARDS_6 8	  /* TCP and UDP over IPv6 */
#define ENI_GUARDS_OTHER 16 /* other protocols */
#define ENI_FLOW_LOG 64 /* a flow log covers it */
/* What guards one network interface: its security groups, and the ACL of its subnet. Rule sets lie in `rules`. */
#define GUARD_CLOSED 1 /* its rules could not be written: nothing passes */
struct eni_guard {
	__u64 vpc;	 /* number, in `group_members` */
	__u32 owner;	 /* number of the interface, whose tracked flows these are */
	__u32 groups;	 /* number of the rule set of its groups; 0: none, nothing is refused */
	__u32 groups_at; /* and its place */
	__u32 acl;	 /* the same of the subnet's ACL; 0: lets everything pass */
	__u32 acl_at;
	__u32 flags; /* GUARD_… */
	__u32 tcp_idle_s;
	__u16 udp_idle_s;
	__u16 udp_stream_idle_s;
};
struct eni_config {
	__u32 ifindex; /* 0: there is none in this place */
	__u32 role;
	__u32 flags;
	__u32 table;    /* kernel routing table for what enters here */
	__u32 delivery; /* kernel routing table of the VPC's host routes */
	__be32 address; /* the first of eni_addresses, which nearly every packet has; 0 when there is none */
	__be32 subnet;  /* 0/0xffffffff (matches nothing) when there is none */
	__be32 mask;
	__u8 mac[6];      /* the router's end */
	__u8 peer_mac[6]; /* the other end */
	__be32 subnet6[2]; /* the first half of the subnet's /64; 0 when there is none */
	__be32 resolver;   /* the VPC's name server; 0 when there is none */
	struct eni_guard guard; /* an uplink's: of whoever is behind it with an address that is not its own */
};

/* eni_addresses: HASH eni_address -> eni_guard. The addresses that an ENI may send from and receive for; behind an uplink each is an
 * interface with a guard of its own, elsewhere they are all zeros. */
struct eni_address {
	__u32 ifindex;
	__be32 address;
};

/* eni_addresses6: HASH eni_address6 -> u8. The same for IPv6.
 * igw_addresses6: HASH eni_address6 -> u8. The addresses that an IGW's port lets pass, as they are; `::` says that its VPC has IPv6. */
struct eni_address6 {
	__u32 ifindex;
	__be32 address[4];
};

/* flow_log_records: HASH flow_log_key -> flow_log_count. What was seen at ports that a flow log covers, see lib/flow_log.h.
 * flow_log_ports: HASH ifindex -> flow_log_port. flow_log_round: ARRAY[1] of the u32 that new records carry. */
#define FLOW_LOG_RECORDS 262144
#define FLOW_LOG_SHARE 32768 /* the most that one port may have of them in a round */
#define FLOW_LOG_EGRESS 1 /* sent by the interface; otherwise received */
#define FLOW_LOG_REJECT 2 /* refused by a security group or network ACL */
#define FLOW_LOG_IN_VPC 1 /* AWS's numbers for traffic-path */
#define FLOW_LOG_BY_GATEWAY 8
struct flow_log_key {
	__u32 round;
	__u32 ifindex;
	__u32 source[4]; /* network order; IPv4 in the first */
	__u32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u8 what;   /* FLOW_LOG_EGRESS, FLOW_LOG_REJECT */
	__u8 pad;
};
struct flow_log_count {
	__u64 packets; /* as in counter */
	__u64 bytes;
	__u64 first_ns; /* CLOCK_MONOTONIC, a tick behind */
	__u64 last_ns;
	__u32 tcp_flags;
	__u32 path;
};
struct flow_log_port {
	__u64 lost; /* packets that found no room, ever */
	__u32 round; /* that `records` counts */
	__u32 records;
};

/* rules: ARRAY[RULE_PAGES], mmapable. A rule set lies within one page, from word `at % RULE_WORDS` of page `at / RULE_WORDS` on; its words
 * name other places by their distance from there. See lib/rules.h, and dataplane/rules.py, which writes them.
 *   word 0		length in words << 32 | number
 *   from word 1	struct rule_direction for egress, then for ingress
 *   then		tables and bit vectors
 * Of each table entry the upper half is where its interval begins, the lower half the vector that holds there: 0, none. IPv6 takes three
 * words for that: the address's halves, and the vector. */
#define RULE_PAGES 4
#define RULE_WORDS (1 << 19)
#define RULE_VECTOR_WORDS 16 /* the most bits, by 64 */
#define RULE_STEPS 13	     /* 2^13 entries of a table, the most */
/* What packets are sorted by besides addresses: protocol << 17, and in the rest the destination port, or ICMP's type and code. */
#define SERVICE_PROTOCOL_SHIFT 17
#define SERVICE_NO_PORTS (1 << 16) /* a later fragment of an unknown datagram */
#define RULE_FULL_TCP4 1 /* the groups have a rule for all of TCP, from or to everywhere in IPv4 */
#define RULE_FULL_UDP4 2
#define RULE_FULL_TCP6 4
#define RULE_FULL_UDP6 8
struct rule_table {
	__u32 count;
	__u32 at;
};
struct rule_direction {
	struct rule_table services;
	struct rule_table ipv4;
	struct rule_table ipv6;
	struct rule_table classes; /* by who has which groups: `group_members` */
	__u32 everywhere4;	   /* the vector of what holds for every IPv4 address */
	__u32 everywhere6;
	__u32 width; /* of vectors, in words */
	__u32 full;  /* RULE_FULL_… */
	__u32 allow; /* ACLs: which bits allow; the lowest bit that matches decides */
	__u32 pad;
};
struct rule_page {
	__u64 words[RULE_WORDS];
};

/* group_members: HASH group_member -> u32. Who has groups at all: the class of all who have the same. */
#define MAX_GROUP_MEMBERS 131072
struct group_member {
	__u64 vpc;
	__be32 address[4]; /* IPv4 in the last, behind 0, 0 and ffff */
};

/* tracked: ARRAY set -> tracked_set, mmapable. What was decided of flows at each interface; see lib/tracking.h. */
#define TRACKED_WAYS 8
#define TRACKED_VALID 1
#define TRACKED_BUSY 2
#define TRACKED_FLOW 0x01	/* its groups allowed it to begin: its answers pass, and it outlives the rule */
#define TRACKED_BY_INGRESS 0x02 /* it began with a packet to the interface */
#define TRACKED_ANSWERED 0x04
#define TRACKED_CONFIRMED 0x08 /* who began it went on after the answer */
#define TRACKED_STREAM 0x10	/* and was answered again */
#define TRACKED_FIN_0 0x20	/* from the interface */
#define TRACKED_FIN_1 0x40	/* to it */
#define TRACKED_RST 0x80
#define TRACKED_TCP 0x100
#define TRACKED_UDP 0x200
#define TRACKED_TIME_SHIFT 27 /* times are in units of 2^27 ns, 0.134 s */
#define TRACKED_NUMBER_SHIFT 4 /* of `groups` and `acl`; below it, bit 0 and 1: holds for egress, for ingress */
struct tracked_slot {
	__u64 tag;
	__u32 fingerprint;
	__u32 owner; /* the interface, as in eni_guard */
	__u32 until; /* flow_now() >> TRACKED_TIME_SHIFT: later it is free */
	__u32 state; /* TRACKED_… */
	__u32 groups; /* number of the rule set that allows the flow's packets by itself, and in which direction */
	__u32 acl;    /* the same of the ACL */
};
struct tracked_set {
	struct tracked_slot slots[TRACKED_WAYS];
};
/* datagrams: LRU_HASH, see lib/datagram.h. Programs only. */

/* uplinks: HASH ifindex -> u32 ifindex. A NIC of this machine and the host's end of its uplink, each with the other; see uplink.bpf.c. */

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
	__u8 stickiness; /* 5, 3 or 2 */
	__u8 flags;      /* NODE_… */
	__u16 pad;
};
#define NODE_ADOPT 1
#define NODE_RESET_ON_IDLE 2
#define NODE_PMTUD 4
#define NODE_NO_MSS_CLAMPING 8
#define NODE_FAIL_OPEN 16
/* node_ports: ARRAY port -> node_port. */
struct node_port {
	__u32 ifindex; /* 0: there is none in this place */
	__u32 slot;
};

/* node_counters: PERCPU_ARRAY node slot -> node_counter. What verdicts do not tell: they count packets, not flows. */
struct node_counter {
	__u64 new_flows;
	__u64 rejected_flows; /* by no_targets, flow_table_full or new_flow_limit */
	__u64 rejected_tcp_flows; /* of those */
	__u64 adopted_flows; /* of the new ones */
	__u64 moved_flows; /* given to another target because theirs asked for it */
};

/* targets: ARRAY slot -> target_config; address 0 is an empty slot. */
struct target_config {
	__be32 address;
	__u32 generation; /* of the slot: a flow that remembers an older one has lost its target */
	__u32 flags;
};
/* Answer TCP of the target's flows with a reset, because it is unhealthy, or gone. */
#define TARGET_RESET_UNHEALTHY 1
#define TARGET_RESET_DEREGISTERED 2
/* Its flows leave it and new ones avoid it: one store, that holds until user space has written what is to be. */
#define TARGET_LEAVING 4

/* target_counters: PERCPU_ARRAY target slot -> target_counter. What a target was given and what it returned, since it has its slot: user
 * space zeroes it for another target. */
struct target_counter {
	__u64 given;	/* packets that were sent to it; super-packets count as their segments */
	__u64 returned; /* packets that came back and were let through */
	__u64 last_given_ns; /* CLOCK_MONOTONIC_COARSE */
	__u64 last_returned_ns;
	__u64 awaited;	/* of the given ones: those of flows of which it has returned something before */
	__u64 flows;	/* that it was given: opened, or moved to it */
	__u64 answered; /* of those: of which it has returned something */
	__u64 turns;	/* how often an awaited packet was of another flow than the one before it on its CPU */
	__u64 last_awaited; /* that flow's slot */
	__u64 refused;	/* ICMP errors of its host: nobody there takes GENEVE */
	__u64 last_refused_ns;
};

/* target_addresses: HASH __be32 -> u32. Every address in targets, to tell a stranger's return from one by the wrong target. */

/* endpoints: ARRAY port (the GWLB's side) -> endpoint_config. */
#define ENDPOINT_DUALSTACK 1
struct endpoint_config {
	__u64 endpoint; /* id in the TLV, machine order */
	__u32 ifindex;	/* 0: there is none in this place */
	__u32 node;
	__u32 flags;
	__u8 mac[6];
	__u8 peer_mac[6];
};
/* endpoint_ports: HASH u64 endpoint -> u32 ifindex. */

/* maglev: ARRAY_OF_MAPS node slot -> ARRAY[MAGLEV_SIZE] of u32 target slot. */

/* flows: ARRAY, mmapable, of sets. One slot, one cache line, answers all that a known flow's packets ask, in both directions.
 * A slot is found by the keyed 96-bit fingerprint of its tuple, whose first 64, with the slot's state in the two lowest bits, are
 * the tag. 0 is a slot that holds nothing. The cookie is index and generation: unique among live flows, never 0, and by `claimed` not
 * given out again within 30 s.
 *
 * A flow's two directions are those of its sorted ends: 0 goes from the smaller end (by address, then port, in memory order) to the
 * larger one. FLOW_TURNED says that the first packet, whose ends flow_tuple has, went in direction 1.
 */
#define FLOW_WAYS 8
#define FLOW_VALID 1 /* in the tag */
#define FLOW_BUSY 2  /* in the tag: being written */
#define FLOW_COOKIE_BITS 32
#define FLOW_INDEX_BITS_MIN 16 /* so that a generation fits its 16 bits */
#define FLOW_INDEX_BITS_MAX 23

#define FLOW_TURNED 0x01
#define FLOW_FIN_0 0x02 /* seen in direction 0 */
#define FLOW_FIN_1 0x04
#define FLOW_RST 0x08
#define FLOW_TCP 0x10	 /* carried TCP */
#define FLOW_SHARED 0x20 /* by 3- or 2-tuple: what one connection says of its end does not hold for the flow */
/* Why this target; by hash alone when none of these is set. */
#define FLOW_FAIL_OPEN 0x40
#define FLOW_ADOPTED 0x80 /* began without a SYN; its target is the hash's */
#define FLOW_MOVED 0x100  /* from another target, which flow_tuple names */
#define FLOW_ANSWERED 0x200 /* its target has returned something of it */
#define FLOW_CLAIMED_SHIFT 16 /* the upper half of `state`: low bits of the tick in which the slot was claimed */
struct flow_slot {
	__u64 tag;
	__u32 fingerprint;	/* its last 32 bits */
	__u32 tuple_sum;	/* cheap and without a key: a return that has another one is looked at closely */
	__u64 last_seen_ns; /* flow_now() */
	__u64 endpoint;
	__u64 counted[2]; /* from endpoints to targets, by direction: packets in the upper half, bytes in the lower; flow_tuple counts on */
	__u16 target; /* slot */
	__u16 port; /* the endpoint's place in `endpoints`, as it was when last seen */
	__u32 target_generation;
	__u16 generation;
	__u16 idle_s; /* unseen for longer than this the slot is free */
	__u32 state;  /* FLOW_… */
};
struct flow_set {
	struct flow_slot slots[FLOW_WAYS];
};
/* flow_tuples: ARRAY, mmapable, slot index -> flow_tuple, for people. As the flow's first packet had it; IPv4 in the first 4 bytes. */
struct flow_tuple {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u16 former; /* slot of the target before the last move */
	__u64 created_ns; /* flow_now() */
	__u32 packets_high[2]; /* how often the slot's counters went round */
	__u32 bytes_high[2];
};
/* flow_settings: ARRAY[1], written by user space before anything is attached. */
struct flow_settings {
	__u64 key[2];   /* random */
	__u64 clock_base_ns; /* CLOCK_MONOTONIC when jiffies were 0: flow_now() is this and clock_tick_ns for each of them */
	__u32 clock_tick_ns;
	__u32 set_mask; /* number of sets - 1 */
	__u32 new_flows_per_s; /* that one CPU may open; 0: no limit */
	__u32 tcp_yields_after_s; /* a TCP flow unseen for longer makes room for a newcomer */
	__u8 index_bits; /* of the cookie; the others are the generation's */
	__u8 tick_shift; /* a slot is claimed once in 2^tick_shift ns: all its generations together last 30 s */
	__u16 pad[3];
};
/* flow_locks: ARRAY of flow_lock, for inserts; fragments: LRU_HASH, see lib/flow_open.h and lib/fragment.h. Programs only. */

/* chaos_ports: HASH ifindex -> chaos_config. A target's port whose returns are spoilt on purpose; see chaos.bpf.c. */
#define MAX_CHAOS 1024
enum chaos_kind {
	CHAOS_STALL = 1,
	CHAOS_LOSE,
	CHAOS_DUPLICATE,
	CHAOS_CORRUPT_TLV,
	CHAOS_STALE_COOKIE,
	CHAOS_LIE_ON_HEALTH,
	CHAOS_SLOW,
	CHAOS_REORDER
};
struct chaos_config {
	__u64 seed;
	__u64 until_ns; /* CLOCK_MONOTONIC; from then on nothing happens */
	__u64 met;      /* packets that were considered */
	__u64 done;     /* of those, to how many it was done */
	__u32 kind;     /* enum chaos_kind */
	__u32 share;    /* of 65536 */
};

/* chaos_relays: HASH ifindex -> chaos_relay. Who holds back the returns of a port that is slow or reorders: a process behind a TAP device in
 * the port's box. Whoever takes the entry away ends it. */
#define CHAOS_TAP 0x40000000 /* the ifindex of the TAP is that of the port with this bit turned */
#define CHAOS_BEAT_LIMIT_NS 2000000000ULL
struct chaos_relay {
	__u64 beat_ns;  /* CLOCK_MONOTONIC; when it last said that it is there: after the limit packets pass undisturbed */
	__u32 delay_ms; /* for which it holds each packet */
	__u32 pid;
};

/* inspector_rules: HASH ifindex -> inspector_policy. First match wins; no match returns the packet. */
#define INSPECTOR_RULES 32
struct inspector_rule {
	__be32 source[4], source_mask[4]; /* IPv4 in the first */
	__be32 destination[4], destination_mask[4];
	__u16 from_port, to_port; /* machine order, inclusive, destination port */
	__u8 family;              /* 4 or 6; 0 both */
	__u8 protocol;            /* 0 any */
	__u8 deny;
	__u8 used;
};
struct inspector_policy {
	struct inspector_rule rules[INSPECTOR_RULES];
};

#endif
