/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ICMP errors belong to the flow of the packet that they quote, whoever on its way sent them.
 *
 * Contract: icmp_follow() answers 1 when `packet` is an ICMP error, not in fragments, about a packet that its receiver sent, of a flow that
 * is alive, and puts the quoted packet's addresses, protocol and ports into `packet`, with `quoted` set. Else 0, and nothing is changed:
 * the error is then a packet of its own addresses and protocol. An error does not keep its flow alive (whoever finds the flow by it must
 * not refresh it): anybody can send one.
 */
#ifndef OPENGWLB_ICMP_H
#define OPENGWLB_ICMP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "flow.h"
#include "fragment.h"
#include "parse.h"
#include "rewrite.h"

#define ICMP6_LAST_ERROR_KNOWN 4 /* unreachable, too big, time exceeded, parameter problem */

static __always_inline int is_icmp_error(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 type;

	if (packet->protocol != (packet->family == 4 ? IPPROTO_ICMP : PROTOCOL_ICMPV6) || packet->fragment ||
	    packet->shared >= packet->length ||
	    bpf_skb_load_bytes(skb, packet->transport, &type, sizeof(type)))
		return 0;
	return packet->family == 4 ? icmp_is_error(type) : type >= 1 && type <= ICMP6_LAST_ERROR_KNOWN;
}

static __always_inline int same_address(const __u32 *one, const __u32 *other)
{
	return one[0] == other[0] && one[1] == other[1] && one[2] == other[2] && one[3] == other[3];
}

/* The quoted packet, which the stack has no room for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} icmp_quotes SEC(".maps");

static __always_inline int icmp_names_flow(const struct packet *quoted, __u64 endpoint, __u32 stickiness)
{
	struct flow_hash hash;

	return !flow_hash(quoted, endpoint, stickiness, &hash) && flow_find(&hash, flow_now()).slot;
}

/* What icmp_follow() may be asked about: a call costs 9 ns. */
static __always_inline int icmp_may_follow(const struct packet *packet)
{
	return packet->protocol == IPPROTO_ICMP || packet->protocol == PROTOCOL_ICMPV6;
}

/* Global, so that the verifier looks at it once. */
__noinline int icmp_follow(struct __sk_buff *skb, struct packet *packet, __u64 endpoint, __u32 stickiness)
{
	const __u32 zero = 0;
	struct packet *quoted;
	__u32 start;

	if (!packet || !is_icmp_error(skb, packet))
		return 0;
	start = packet->transport - packet->shared;
	quoted = bpf_map_lookup_elem(&icmp_quotes, &zero);
	if (!quoted || parse_quoted(skb, packet->transport + ICMP_HEADER_LENGTH, packet->family, quoted) ||
	    quoted->transport + (fragment_has_ports(quoted->protocol) ? PORTS_READ : 0) > start + packet->length ||
	    !same_address(quoted->source, packet->destination) || !icmp_names_flow(quoted, endpoint, stickiness))
		return 0;
	__builtin_memcpy(packet->source, quoted->source, sizeof(quoted->source));
	__builtin_memcpy(packet->destination, quoted->destination, sizeof(quoted->destination));
	packet->protocol = quoted->protocol;
	packet->source_port = quoted->source_port;
	packet->destination_port = quoted->destination_port;
	packet->quoted = 1;
	return 1;
}

#endif
