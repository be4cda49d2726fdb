/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Fragments of inner packets: only the first has ports, the later ones follow it.
 *
 * Contract: fragment_ports() remembers a first fragment's ports and gives them to later ones. -1: no first fragment was seen, or not
 * lately (the map forgets the least recently used). What protocol an IPv6 packet carries only the first fragment may tell, behind
 * extension headers: later ones are known by addresses and identification alone (RFC 8200, 4.5).
 */
#ifndef OPENGWLB_FRAGMENT_H
#define OPENGWLB_FRAGMENT_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "parse.h"

struct fragment_key {
	__u64 endpoint;
	__u32 source[4];
	__u32 destination[4];
	__u32 id;
	__u32 protocol;
};

struct fragment_value {
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fragment_key);
	__type(value, struct fragment_value);
} fragments SEC(".maps");

/* A function of its own: the key would not fit the caller's stack. */
__noinline int fragment_ports(struct packet *packet, __u64 endpoint)
{
	struct fragment_key key = {.endpoint = endpoint};
	struct fragment_value value = {}, *first;

	if (!packet)
		return -1;
	__builtin_memcpy(key.source, packet->source, 16);
	__builtin_memcpy(key.destination, packet->destination, 16);
	key.id = packet->fragment_id;
	key.protocol = packet->family == 4 ? packet->protocol : 0;
	if (packet->fragment == FIRST_FRAGMENT) {
		value.source_port = packet->source_port;
		value.destination_port = packet->destination_port;
		value.protocol = packet->protocol;
		bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
		return 0;
	}
	first = bpf_map_lookup_elem(&fragments, &key);
	if (!first)
		return -1;
	packet->source_port = first->source_port;
	packet->destination_port = first->destination_port;
	packet->protocol = first->protocol;
	return 0;
}

#endif
