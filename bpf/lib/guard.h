/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One network interface's groups, and its subnet's ACL, asked about one packet.
 *
 * Contract: guard_read() takes what both sides of a pass need to know of the packet, once. guard_asks() answers 0 or the verdict that
 * refuses it, for the interface that sent it (EGRESS) or the one that it is for (INGRESS); `crossing` says whether it crosses the edge of
 * the interface's subnet, where alone the ACL is asked. What is known of the flow is asked first, so that rules are met by first packets.
 *
 * TCP is tracked from a SYN on. Other TCP that the rules of its direction allow passes, but opens no way for answers: else a connection
 * that ended with its rule would come back with the next packet of its other end. ICMP errors are let in as what they are about.
 */
#ifndef OPENGWLB_GUARD_H
#define OPENGWLB_GUARD_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "../shared/verdicts.h"
#include "datagram.h"
#include "parse.h"
#include "rules.h"
#include "tracking.h"

#define GUARD_ICMP_READ 8
#define GUARD_KIND_ECHO 1
#define GUARD_KIND_OTHER 2

struct guarded_packet {
	struct packet packet;
	struct datagram datagram;
	struct subject subject;
	struct tracking_print print;
	/* What the side that is being asked would have kept of the flow: see guard_keep(). */
	struct tracking flow;
	__u32 groups;
	__u32 acl;
	__u32 begins;
	__u8 tcp_flags;
	__u8 has_flow;	   /* print is set */
	__u8 is_icmp_error;
	__u8 opens; /* it may begin a flow */
};

/* One for the packet, one for what it quotes: the stack has no room for them. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct guarded_packet);
} guarded_packets SEC(".maps");

static __always_inline int guard_is_icmp(const struct packet *packet)
{
	return packet->protocol == (packet->family == 4 ? IPPROTO_ICMP : PROTOCOL_ICMPV6);
}

static __always_inline int guard_is_error(__u8 family, __u8 type)
{
	return family == 4 ? type == 3 || type == 4 || type == 11 || type == 12 : type >= 1 && type <= 4;
}

static __always_inline int guard_is_echo(__u8 family, __u8 type)
{
	return family == 4 ? type == 0 || type == 8 : type == 128 || type == 129;
}

/* A datagram's identity for rules and for flows: what a later fragment takes from its first. */
static __always_inline int guard_name(struct __sk_buff *skb, const struct packet *packet, struct datagram *one, __u8 *is_error)
{
	const __u32 protocol = packet->protocol << SERVICE_PROTOCOL_SHIFT;
	__u8 header[GUARD_ICMP_READ];

	one->protocol = packet->protocol;
	one->kind = 0;
	one->ports[0] = packet->source_port;
	one->ports[1] = packet->destination_port;
	one->service = protocol | bpf_ntohs(packet->destination_port);
	one->reverse = protocol | bpf_ntohs(packet->source_port);
	if (!guard_is_icmp(packet) || packet->fragment == LATER_FRAGMENT)
		return 0;
	if (packet->shared + GUARD_ICMP_READ > packet->length ||
	    bpf_skb_load_bytes(skb, packet->transport, header, sizeof(header)))
		return -1;
	one->service = one->reverse = protocol | header[0] << 8 | header[1];
	*is_error = guard_is_error(packet->family, header[0]) && !packet->fragment;
	one->kind = GUARD_KIND_OTHER + (header[0] + 1) / 2; /* questions are odd, their answers the next number */
	if (guard_is_echo(packet->family, header[0])) {
		one->kind = GUARD_KIND_ECHO;
		__builtin_memcpy(&one->ports[0], header + 4, 2);
		one->ports[1] = one->ports[0];
	}
	return 0;
}

static __always_inline int guard_opens(const struct packet *packet)
{
	return packet->protocol != IPPROTO_TCP ||
	       (packet->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK | TCP_FLAG_BYTE_RST)) == TCP_FLAG_BYTE_SYN;
}

static __always_inline void guard_fill(struct guarded_packet *to)
{
	const struct packet *packet = &to->packet;
	const struct datagram *one = &to->datagram;

	__builtin_memcpy(to->subject.source, packet->source, sizeof(packet->source));
	__builtin_memcpy(to->subject.destination, packet->destination, sizeof(packet->destination));
	to->subject.service = one->service;
	to->subject.reverse = one->reverse;
	to->subject.family = packet->family;
	to->subject.protocol = packet->protocol;
	to->tcp_flags = packet->tcp_flags;
	to->has_flow = !tracking_hash(packet, one->ports[0], one->ports[1], one->kind, &to->print);
}

/* NULL for a packet that is not well-formed behind its IP header. */
static __noinline struct guarded_packet *guard_read(struct __sk_buff *skb, __u32 family, __u32 port)
{
	const __u32 first = 0;
	struct guarded_packet *to = bpf_map_lookup_elem(&guarded_packets, &first);
	struct packet *packet;
	int unknown = 0;

	if (!to)
		return NULL;
	packet = &to->packet;
	if ((family != 4 || parse_plain(skb, ETH_HLEN, packet)) && parse_ip(skb, ETH_HLEN, family, packet))
		return NULL;
	to->is_icmp_error = 0;
	if (guard_name(skb, packet, &to->datagram, &to->is_icmp_error))
		return NULL;
	to->opens = guard_opens(packet) && !to->is_icmp_error && packet->fragment != LATER_FRAGMENT;
	if (packet->fragment) {
		unknown = datagram_follow(packet, port, &to->datagram);
		packet->protocol = to->datagram.protocol;
	}
	guard_fill(to);
	if (unknown && (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_ICMP ||
			packet->protocol == PROTOCOL_ICMPV6)) {
		to->subject.service = packet->protocol << SERVICE_PROTOCOL_SHIFT | SERVICE_NO_PORTS;
		to->subject.reverse = to->subject.service;
		to->has_flow = 0;
	}
	return to;
}

/* The packet that an ICMP error quotes, which its receiver must have sent; NULL for none that could be told. */
static __noinline struct guarded_packet *guard_read_quoted(struct __sk_buff *skb, const struct guarded_packet *error)
{
	const __u32 second = 1;
	struct guarded_packet *quoted = bpf_map_lookup_elem(&guarded_packets, &second);
	struct packet *packet;

	if (!quoted)
		return NULL;
	packet = &quoted->packet;
	if (parse_quoted(skb, error->packet.transport + GUARD_ICMP_READ, error->subject.family, packet))
		return NULL;
	if (guard_is_icmp(packet))
		packet->length = 0xffff; /* as much of it as is there */
	quoted->is_icmp_error = 0;
	if (guard_name(skb, packet, &quoted->datagram, &quoted->is_icmp_error) || quoted->is_icmp_error)
		return NULL;
	for (int i = 0; i < 4; i++)
		if (packet->source[i] != error->subject.destination[i])
			return NULL;
	guard_fill(quoted);
	return quoted->has_flow ? quoted : NULL;
}

/* Whether an ICMP error is about a packet that the other direction of this interface let pass, and would still: of a flow that is tracked,
 * or of one that needs no tracking. It does not keep the flow alive: anybody can send one. */
static __noinline int guard_knows_quoted(struct __sk_buff *skb, const struct guarded_packet *error, const struct eni_guard *guard,
					 __u32 direction)
{
	const __u32 other = (direction & 1) ^ 1;
	const struct guarded_packet *quoted = guard_read_quoted(skb, error);
	const struct tracked_slot *slot;
	struct tracking flow;

	if (!quoted)
		return 0;
	flow = tracking_at(&quoted->print, guard->owner, other);
	slot = tracking_find(&flow);
	return (slot && slot->state & TRACKED_FLOW) || groups_permit(&quoted->subject, guard, other) == PERMIT_UNTRACKED;
}

static __always_inline __u32 guard_kind(__u8 protocol)
{
	return protocol == IPPROTO_TCP ? TRACKED_TCP : protocol == IPPROTO_UDP ? TRACKED_UDP : 0;
}

/* Keeps what was decided of a flow: the numbers of the groups' set and of the ACL's that allow this direction, 0 for none, and whether its
 * groups let it begin. 0, or the verdict that refuses it. */
__noinline __u32 guard_keep(const struct guarded_packet *packet, const struct eni_guard *guard, __u32 direction)
{
	struct tracked_slot made = {}, *slot;

	if (!packet || !guard)
		return VERDICT_rules_missing;
	direction &= 1;
	made.state = guard_kind(packet->subject.protocol) | (direction ? TRACKED_BY_INGRESS : 0) | (packet->begins ? TRACKED_FLOW : 0);
	slot = tracking_find(&packet->flow);
	if (slot) {
		if (packet->begins)
			slot->state = made.state;
		if (packet->groups)
			slot->groups = tracking_saying(slot->groups, packet->groups, direction);
		if (packet->acl)
			slot->acl = tracking_saying(slot->acl, packet->acl, direction);
		tracking_see(slot, &packet->flow, direction, packet->subject.protocol, packet->tcp_flags, guard);
		if (!tracking_is(slot, &packet->flow)) /* taken for another meanwhile, which this does not say */
			slot->state = slot->groups = slot->acl = 0;
		return 0;
	}
	made.groups = packet->groups ? tracking_saying(0, packet->groups, direction) : 0;
	made.acl = packet->acl ? tracking_saying(0, packet->acl, direction) : 0;
	made.state = tracking_step(made.state, direction, packet->tcp_flags);
	made.until = packet->flow.now + tracking_idle(made.state, packet->subject.protocol, guard);
	return tracking_keep(&packet->flow, &made) && packet->begins ? VERDICT_tracking_full : 0;
}

#define GUARD_KEEP 0x8000 /* no verdict: it passes, and guard_keep() has something to keep */

/* 0, GUARD_KEEP or the verdict that refuses the packet; `known`: it is an ICMP error about a flow that passes. */
__noinline __u32 guard_decides(struct guarded_packet *packet, const struct eni_guard *guard, __u32 direction, __u32 crossing, int known)
{
	int groups_know, acl_knows, permit = PERMIT_NONE;
	struct tracked_slot *slot = NULL;
	__u32 groups, acl;

	if (!packet || !guard || guard->flags & GUARD_CLOSED)
		return VERDICT_rules_missing;
	direction &= 1;
	groups = guard->groups;
	acl = crossing ? guard->acl : 0;
	groups_know = !groups;
	acl_knows = !acl;
	if (!groups && !acl)
		return 0;
	packet->flow = tracking_at(&packet->print, guard->owner, direction);
	if (packet->has_flow)
		slot = tracking_find(&packet->flow);
	if (slot && tracking_is_closed(slot->state) && packet->subject.protocol == IPPROTO_TCP && packet->opens) {
		tracking_forget(slot, &packet->flow); /* the ports are used again */
		slot = NULL;
	}
	if (slot) {
		groups_know |= slot->state & TRACKED_FLOW || tracking_says(slot->groups, groups, direction);
		acl_knows |= tracking_says(slot->acl, acl, direction);
		if (groups_know && acl_knows) {
			tracking_see(slot, &packet->flow, direction, packet->subject.protocol, packet->tcp_flags, guard);
			return 0;
		}
	}
	if (direction == INGRESS && !acl_knows && !acl_allows(&packet->subject, guard, INGRESS))
		return VERDICT_network_acl_ingress;
	if (!groups_know) {
		permit = groups_permit(&packet->subject, guard, direction);
		if (!permit && !known)
			return direction == EGRESS ? VERDICT_security_group_egress : VERDICT_security_group_ingress;
	}
	if (direction == EGRESS && !acl_knows && !acl_allows(&packet->subject, guard, EGRESS))
		return VERDICT_network_acl_egress;
	if (!packet->has_flow || packet->is_icmp_error)
		return 0;
	/* Of what is tracked the flow alone is remembered: the next packet may be the first that begins one. */
	packet->groups = permit == PERMIT_UNTRACKED ? groups : 0;
	/* Entries tell ICMP's types and codes, which a flow does not. */
	packet->acl = acl_knows || guard_is_icmp(&packet->packet) ? 0 : acl;
	packet->begins = packet->opens && (permit == PERMIT_MEMBER || permit == PERMIT_TRACKED);
	return packet->groups | packet->acl | packet->begins ? GUARD_KEEP : 0;
}

static __always_inline __u32 guard_asks(struct __sk_buff *skb, struct guarded_packet *packet, const struct eni_guard *guard,
					__u32 direction, __u32 crossing)
{
	__u32 verdict = guard_decides(packet, guard, direction, crossing, 0);

	if (!verdict)
		return 0;
	if (verdict == GUARD_KEEP)
		return guard_keep(packet, guard, direction);
	if (!packet->is_icmp_error || (verdict != VERDICT_security_group_egress && verdict != VERDICT_security_group_ingress) ||
	    !guard_knows_quoted(skb, packet, guard, direction))
		return verdict;
	return guard_decides(packet, guard, direction, crossing, 1);
}

#endif
