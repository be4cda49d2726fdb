/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What was decided of a flow at a network interface: a set-associative table of 32-byte slots, eight to a set.
 *
 * Contract: tracking_hash() gives both directions of a flow the same keyed fingerprint. tracking_find() answers the live slot of a flow at
 * one interface, or NULL; of a packet that passes the same interface twice, in and out again, the two passes are different flows.
 * tracking_keep() makes one. A slot says two kinds of things:
 *
 *   TRACKED_FLOW         its groups allowed it to begin, so all its packets pass, whatever becomes of the rule
 *   `groups`, `acl`      the rule set of this number allows the flow's packets in these directions: remembered, so that the next
 *                        packet need not be compared with rules, and worth nothing once the number is another
 *
 * Who yields in a full set: what expired; what is only remembered; then flows of the newcomer's own interface that were not answered and
 * gone on with, and others of its than TCP. Only an interface that has nothing in the set takes a place of the one that has most there, and
 * at least two. So a flood of one interface's flows ends at its own. What must be tracked and finds no place is refused.
 */
#ifndef OPENGWLB_TRACKING_H
#define OPENGWLB_TRACKING_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "parse.h"
#include "settings.h"
#include "siphash.h"

#define TRACKED_SETS_DEFAULT 32768 /* user space sizes the table when it makes it */
#define TRACKED_SECOND(s) ((__u32)((s)*1000000000ULL >> TRACKED_TIME_SHIFT) + 1)
/* Seconds, where the interface does not say. AWS tells 600 of protocols without ports; the others are ours. */
#define TRACKED_OPENING_S 60
#define TRACKED_HALF_CLOSED_S 120
#define TRACKED_CLOSED_S 10
#define TRACKED_ICMP_S 30
#define TRACKED_OTHER_S 600
#define TRACKED_TURNED 0x9e3779b97f4a7c15ULL

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TRACKED_SETS_DEFAULT);
	__type(key, __u32);
	__type(value, struct tracked_set);
} tracked SEC(".maps");

/* One flow at one interface. */
struct tracking {
	__u64 tag;
	__u32 fingerprint;
	__u32 owner;
	__u32 set;
	__u32 now; /* in the table's units */
};

struct tracking_print {
	struct fingerprint print;
	__u32 turned; /* the packet goes from the larger end to the smaller */
	__u32 set_mask;
};

/* 0, or -1 before user space has given the key. The ports are the packet's, or stand in their place; `kind` tells flows without ports apart. */
static __always_inline int tracking_hash(const struct packet *packet, __be16 source_port, __be16 destination_port, __u16 kind,
					 struct tracking_print *out)
{
	const struct flow_settings *settings = flow_settled();
	__u64 a = packet->source[0], b = packet->destination[0], c = 0, d = 0, ports;
	int turned;

	if (!settings || !(settings->key[0] | settings->key[1]))
		return -1;
	if (packet->family == 6) {
		a = pair(packet->source[0], packet->source[1]);
		b = pair(packet->destination[0], packet->destination[1]);
		c = pair(packet->source[2], packet->source[3]);
		d = pair(packet->destination[2], packet->destination[3]);
	}
	turned = a != b ? a > b : c != d ? c > d : source_port > destination_port;
	ports = turned ? pair(destination_port, source_port) : pair(source_port, destination_port);
	ports = ports << 16 | (__u64)kind << 32 | packet->protocol << 8 | packet->family;
	struct siphash state = siphash_start(settings->key);

	siphash_add(&state, ports);
	if (packet->family == 6) {
		siphash_add(&state, turned ? b : a);
		siphash_add(&state, turned ? a : b);
		siphash_add(&state, turned ? d : c);
		siphash_add(&state, turned ? c : d);
	} else {
		siphash_add(&state, turned ? pair(b, a) : pair(a, b));
	}
	out->print = siphash_end(&state);
	out->turned = turned;
	out->set_mask = settings->set_mask;
	return 0;
}

static __always_inline __u32 tracking_now(void)
{
	return flow_now() >> TRACKED_TIME_SHIFT;
}

/* The flow of a packet that goes this way at this interface. */
static __always_inline struct tracking tracking_at(const struct tracking_print *print, __u32 owner, __u32 direction)
{
	/* A packet that comes in and its answer that goes out are one flow; the same packet going out is another. */
	const __u64 turned = print->turned ^ direction ? TRACKED_TURNED : 0;
	struct tracking flow = {
		.tag = ((print->print.high ^ turned) & ~(__u64)(TRACKED_VALID | TRACKED_BUSY)) | TRACKED_VALID,
		.fingerprint = (print->print.low ^ turned) >> 32,
		.owner = owner,
		.set = ((__u32)print->print.low + owner * 0x9e3779b1U) & print->set_mask,
		.now = tracking_now(),
	};

	return flow;
}

static __always_inline int tracking_is_live(const struct tracked_slot *slot, __u32 now)
{
	return (__s32)(slot->until - now) >= 0;
}

static __always_inline int tracking_is(const struct tracked_slot *slot, const struct tracking *flow)
{
	return slot->tag == flow->tag && slot->fingerprint == flow->fingerprint && slot->owner == flow->owner;
}

static __always_inline struct tracked_slot *tracking_find(const struct tracking *flow)
{
	struct tracked_set *set = bpf_map_lookup_elem(&tracked, &flow->set);
	const __u32 start = flow->fingerprint;

	if (!set)
		return NULL;
	for (__u32 i = 0; i < TRACKED_WAYS; i++) {
		struct tracked_slot *slot = &set->slots[(start + i) & (TRACKED_WAYS - 1)];

		if (tracking_is(slot, flow))
			return tracking_is_live(slot, flow->now) ? slot : NULL;
	}
	return NULL;
}

/* Forgets a flow; another that took the slot meanwhile stays. */
static __always_inline void tracking_forget(struct tracked_slot *slot, const struct tracking *flow)
{
	__sync_val_compare_and_swap(&slot->tag, flow->tag, 0);
}

static __always_inline int tracking_is_closed(__u32 state)
{
	return state & TRACKED_RST || (state & (TRACKED_FIN_0 | TRACKED_FIN_1)) == (TRACKED_FIN_0 | TRACKED_FIN_1);
}

static __always_inline __u32 tracking_idle(__u32 state, __u8 protocol, const struct eni_guard *guard)
{
	if (state & TRACKED_TCP) {
		if (tracking_is_closed(state))
			return TRACKED_SECOND(TRACKED_CLOSED_S);
		if (state & (TRACKED_FIN_0 | TRACKED_FIN_1))
			return TRACKED_SECOND(TRACKED_HALF_CLOSED_S);
		return TRACKED_SECOND(state & TRACKED_FLOW && !(state & TRACKED_CONFIRMED) ? TRACKED_OPENING_S :
											      (__u64)guard->tcp_idle_s);
	}
	if (state & TRACKED_UDP)
		return TRACKED_SECOND((__u64)(state & TRACKED_STREAM ? guard->udp_stream_idle_s : guard->udp_idle_s));
	return TRACKED_SECOND(protocol == IPPROTO_ICMP || protocol == PROTOCOL_ICMPV6 ? TRACKED_ICMP_S : TRACKED_OTHER_S);
}

/* What a packet of this direction makes of the flow's state. */
static __always_inline __u32 tracking_step(__u32 state, __u32 direction, __u8 tcp_flags)
{
	const __u32 by = !!(state & TRACKED_BY_INGRESS);

	if (direction != by)
		state |= state & TRACKED_CONFIRMED ? TRACKED_ANSWERED | TRACKED_STREAM : TRACKED_ANSWERED;
	else if (state & TRACKED_ANSWERED)
		state |= TRACKED_CONFIRMED;
	if (!(state & TRACKED_TCP))
		return state;
	if (tcp_flags & TCP_FLAG_BYTE_FIN)
		state |= direction ? TRACKED_FIN_1 : TRACKED_FIN_0;
	if (tcp_flags & TCP_FLAG_BYTE_RST)
		state |= TRACKED_RST;
	return state;
}

static __always_inline void tracking_see(struct tracked_slot *slot, const struct tracking *flow, __u32 direction, __u8 protocol,
					 __u8 tcp_flags, const struct eni_guard *guard)
{
	const __u32 before = slot->state;
	const __u32 state = tracking_step(before, direction, tcp_flags);
	const __u32 until = flow->now + tracking_idle(state, protocol, guard);

	if (state != before)
		__sync_fetch_and_or(&slot->state, state);
	if (slot->until != until)
		slot->until = until;
}

static __always_inline int tracking_says(__u32 field, __u32 number, __u32 direction)
{
	return field >> TRACKED_NUMBER_SHIFT == number && field >> direction & 1;
}

static __always_inline __u32 tracking_saying(__u32 field, __u32 number, __u32 direction)
{
	if (field >> TRACKED_NUMBER_SHIFT != number)
		field = number << TRACKED_NUMBER_SHIFT;
	return field | 1U << direction;
}

/* Global, so that the verifier looks at it once. How readily a slot is taken for a newcomer: 0 not at all. The newcomer's interface is `owner`, and has something in the set if `has`;
 * `most` is the one that may be asked for a place when it has nothing. Of equal ones the one that would expire first. */
#define TRACKED_RANK 34
#define TRACKED_FREE (5ULL << TRACKED_RANK)

__noinline __u64 tracking_yields(const struct tracked_slot *slot, __u32 now, __u32 owner, __u32 most, int must)
{
	__u64 early;
	__u32 state;

	if (!slot)
		return 0;
	early = 0xffffffffU - (slot->until - now);
	state = slot->state;
	if (slot->tag & TRACKED_BUSY)
		return 0;
	if (!(slot->tag & TRACKED_VALID) || !tracking_is_live(slot, now))
		return TRACKED_FREE;
	if (!(state & TRACKED_FLOW))
		return slot->owner == owner || must ? 4ULL << TRACKED_RANK | early : 0;
	if (!must || slot->owner != most)
		return 0;
	if (tracking_is_closed(state))
		return 3ULL << TRACKED_RANK | early;
	if (!(state & TRACKED_CONFIRMED))
		return 2ULL << TRACKED_RANK | early;
	return state & TRACKED_TCP && most == owner ? 0 : 1ULL << TRACKED_RANK | early;
}

/* The interface of whose flows one may have to go: the newcomer's own, when it has any here, else the one that has most, and two at least. */
__noinline __u32 tracking_most(const struct tracked_set *set, __u32 owner)
{
	__u32 most = 0, best = 1;

	if (!set)
		return 0;
	for (__u32 i = 0; i < TRACKED_WAYS; i++)
		if (set->slots[i].owner == owner && set->slots[i].state & TRACKED_FLOW)
			return owner;
	/* Without branches: the verifier would go every way through them. */
	for (__u32 i = 0; i < TRACKED_WAYS; i++) {
		const __u32 here = set->slots[i].owner;
		__u32 count = 0, more;

		for (__u32 j = 0; j < TRACKED_WAYS; j++) {
			const __u32 differs = set->slots[j].owner ^ here;

			count += 1 - ((differs | -differs) >> 31);
		}
		more = (__u32)((__s32)(best - count) >> 31);
		asm volatile("" : "+r"(more));
		best = (count & more) | (best & ~more);
		most = (here & more) | (most & ~more);
	}
	return most;
}

#define TRACKED_CLAIMS 3 /* tries, when other CPUs are quicker */

static __always_inline struct tracked_slot *tracking_readiest(struct tracked_set *set, const struct tracking *flow, __u32 most, int must)
{
	struct tracked_slot *readiest = NULL;
	__u64 best = 0;

	for (__u32 i = 0; i < TRACKED_WAYS; i++) {
		struct tracked_slot *slot = &set->slots[(flow->fingerprint + i) & (TRACKED_WAYS - 1)];
		const __u64 rank = tracking_yields(slot, flow->now, flow->owner, most, must);

		if (rank > best) {
			best = rank;
			readiest = slot;
			if (rank >= TRACKED_FREE)
				break;
		}
	}
	return readiest;
}

/* Makes a slot for a flow that has none. 0, or -1 when there is no room; without TRACKED_FLOW in `made` nobody's tracked flow goes. Two
 * CPUs may make two of the same: the one that is met first is used, and the other expires. */
__noinline int tracking_keep(const struct tracking *flow, const struct tracked_slot *made)
{
	struct tracked_set *set;
	struct tracked_slot *slot;
	__u32 most;
	__u64 tag;
	int must;

	if (!flow || !made)
		return -1;
	must = made->state & TRACKED_FLOW;
	set = bpf_map_lookup_elem(&tracked, &flow->set);
	if (!set)
		return -1;
	for (__u32 i = 0; i < TRACKED_CLAIMS; i++) {
		slot = tracking_readiest(set, flow, 0, 0);
		if (!slot && must) {
			most = tracking_most(set, flow->owner);
			slot = tracking_readiest(set, flow, most, 1);
		}
		if (!slot)
			return -1;
		tag = *(volatile __u64 *)&slot->tag;
		if (tag & TRACKED_BUSY || __sync_val_compare_and_swap(&slot->tag, tag, TRACKED_BUSY) != tag)
			continue;
		slot->fingerprint = flow->fingerprint;
		slot->owner = flow->owner;
		slot->until = made->until;
		slot->state = made->state;
		slot->groups = made->groups;
		slot->acl = made->acl;
		*(volatile __u64 *)&slot->tag = flow->tag;
		return 0;
	}
	return -1;
}

#endif
