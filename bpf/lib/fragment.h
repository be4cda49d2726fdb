/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Fragments of inner packets: only the first has ports, the later ones follow it.
 *
 * Contract: fragment_ports() gives every fragment of a datagram the same ports, so that all go to one target. -1: the flow cannot be told.
 * What it knows is bounded: the map forgets the least recently used, and everything is too old after a while.
 *
 *   first fragment           its ports are the datagram's, and those of the latest between the two hosts
 *   later, first was seen    the datagram's ports
 *   later, before its first  UDP: the latest ports, else none, which is the two hosts' flow without ports; and the first, when it comes, goes
 *                            with them. TCP: -1, it repeats what is lost. IPv6 behind extension headers: -1, its protocol is not known
 *   flows without ports      need no first fragment: protocols without ports, and stickiness by addresses
 */
#ifndef OPENGWLB_FRAGMENT_H
#define OPENGWLB_FRAGMENT_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "parse.h"

#define FRAGMENT_DATAGRAM_NS 5000000000LL /* identifications come round: after this it is another datagram's */
#define FRAGMENT_LATEST_NS 120000000000LL /* as long as the flow may live without a packet */

struct fragment_key {
	__u64 endpoint;
	__u32 source[4];
	__u32 destination[4];
	__u32 id;
	__u8 protocol;
	__u8 latest; /* not a datagram, but what its two hosts sent last */
	__u8 pad[2];
};

struct fragment_value {
	__u64 since_ns;
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 guessed;
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fragment_key);
	__type(value, struct fragment_value);
} fragments SEC(".maps");

/* What is remembered, unless it is older than `most` nanoseconds. Signed: another CPU's clock may be a tick ahead. */
static __always_inline struct fragment_value *fragment_known(const struct fragment_key *key, __u64 now, __s64 most)
{
	struct fragment_value *found = bpf_map_lookup_elem(&fragments, key);

	return found && (__s64)(now - found->since_ns) <= most ? found : NULL;
}

static __always_inline int fragment_has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline int fragment_protocol_known(const struct packet *packet)
{
	__u8 next = packet->protocol;

	return packet->family == 4 || !(next == IP6_HOP_BY_HOP || next == IP6_ROUTING || next == IP6_FRAGMENT ||
					next == IP6_AUTHENTICATION || next == IP6_DESTINATION);
}

static __always_inline void fragment_follow(struct packet *packet, const struct fragment_value *known)
{
	packet->source_port = known->source_port;
	packet->destination_port = known->destination_port;
	packet->protocol = known->protocol;
}

/* A function of its own: the key would not fit the caller's stack. */
__noinline int fragment_ports(struct packet *packet, __u64 endpoint, __u32 stickiness)
{
	struct fragment_key key = {.endpoint = endpoint};
	struct fragment_value value = {}, *known;

	if (!packet || (fragment_protocol_known(packet) && (stickiness != 5 || !fragment_has_ports(packet->protocol)) &&
			packet->fragment == LATER_FRAGMENT))
		return 0;
	value.since_ns = bpf_ktime_get_coarse_ns();
	__builtin_memcpy(key.source, packet->source, 16);
	__builtin_memcpy(key.destination, packet->destination, 16);
	key.id = packet->fragment_id;
	key.protocol = packet->family == 4 ? packet->protocol : 0;
	known = fragment_known(&key, value.since_ns, FRAGMENT_DATAGRAM_NS);
	if (packet->fragment == FIRST_FRAGMENT) {
		if (known && known->guessed && known->protocol == packet->protocol) {
			fragment_follow(packet, known);
			return 0;
		}
		value.source_port = packet->source_port;
		value.destination_port = packet->destination_port;
		value.protocol = packet->protocol;
		bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
		key.id = 0;
		key.protocol = packet->protocol;
		key.latest = 1;
		bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
		return 0;
	}
	if (known) {
		fragment_follow(packet, known);
		return 0;
	}
	if (packet->protocol != IPPROTO_UDP)
		return -1;
	key.id = 0;
	key.protocol = packet->protocol;
	key.latest = 1;
	known = fragment_known(&key, value.since_ns, FRAGMENT_LATEST_NS);
	if (known) {
		value.source_port = known->source_port;
		value.destination_port = known->destination_port;
	}
	value.protocol = packet->protocol;
	value.guessed = 1;
	key.id = packet->fragment_id;
	key.protocol = packet->family == 4 ? packet->protocol : 0;
	key.latest = 0;
	bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
	fragment_follow(packet, &value);
	return 0;
}

#endif
