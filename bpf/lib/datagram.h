/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Fragments before rules: a datagram's first fragment says what its later ones belong to.
 *
 * Contract: datagram_follow() is asked about every fragment that rules are asked about. A first fragment leaves its ports; a later one that
 * came by the same port of the router within five seconds gets them. 0 when `ports` and `service` are those of the datagram; -1 for a later
 * fragment of an unknown one, whose ports nobody can tell. Bounded: the least recently used is forgotten.
 */
#ifndef OPENGWLB_DATAGRAM_H
#define OPENGWLB_DATAGRAM_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "parse.h"
#include "settings.h"

#define DATAGRAM_NS 5000000000LL /* identifications come round: after this it is another datagram's */

struct datagram_key {
	__u32 port; /* of the router */
	__u32 id;
	__u32 source[4];
	__u32 destination[4];
	__u32 protocol; /* 0 in IPv6, where only the first fragment may tell it */
};

struct datagram {
	__u64 since_ns;
	__u32 service;
	__u32 reverse;
	__be16 ports[2];
	__u16 protocol;
	__u16 kind; /* of ICMP: messages that answer each other have the same */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct datagram_key);
	__type(value, struct datagram);
} datagrams SEC(".maps");

static __noinline int datagram_follow(const struct packet *packet, __u32 port, struct datagram *one)
{
	struct datagram_key key = {.port = port, .id = packet->fragment_id};
	const struct datagram *known;

	__builtin_memcpy(key.source, packet->source, sizeof(key.source));
	__builtin_memcpy(key.destination, packet->destination, sizeof(key.destination));
	key.protocol = packet->family == 4 ? packet->protocol : 0;
	one->since_ns = flow_now();
	if (packet->fragment == FIRST_FRAGMENT) {
		bpf_map_update_elem(&datagrams, &key, one, BPF_ANY);
		return 0;
	}
	known = bpf_map_lookup_elem(&datagrams, &key);
	if (!known || (__s64)(one->since_ns - known->since_ns) > DATAGRAM_NS)
		return -1;
	*one = *known;
	return 0;
}

#endif
