/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The flow table: a set-associative array of 64-byte slots (struct flow_slot), eight to a set.
 *
 * Contract: flow_hash() gives both directions of a flow, within one endpoint, the same keyed 128-bit fingerprint, of as much of the tuple
 * as the node's stickiness says. flow_find() answers a live slot or NULL; flow_open.h makes them. flow_by_cookie() is for returns. Slots
 * are read without a lock: whoever read a slot asks flow_is_still() afterwards.
 *
 * A flow lives in the set that its fingerprint names, or in a second one when the first was full: `flow_spills` says until when one may, so
 * that a newcomer need not fetch the eight lines of a second set in vain. The atomic operations are full barriers; plain loads and stores
 * around them rely on x86's order.
 */
#ifndef OPENGWLB_FLOW_H
#define OPENGWLB_FLOW_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "parse.h"
#include "settings.h"
#include "siphash.h"

#define FLOW_SETS_DEFAULT 32768 /* user space sizes the table when it makes it */
#define FLOW_CLAIMS 3 /* tries, when other CPUs are quicker */
#define FLOW_NS_PER_S 1000000000ULL
#define FLOW_ONE_COUNTED (1ULL << 32) /* packet, in flow_slot.counted */
#define FLOW_LINGER_S 5 /* what a closed flow's idle time is, so that last ACKs and repeated FINs pass */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FLOW_SETS_DEFAULT);
	__type(key, __u32);
	__type(value, struct flow_set);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FLOW_SETS_DEFAULT * FLOW_WAYS);
	__type(key, __u32);
	__type(value, struct flow_tuple);
} flow_tuples SEC(".maps");

/* By first set: when the last of its flows that live in a second one will have expired, a little later than true. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_SETS_DEFAULT);
	__type(key, __u32);
	__type(value, __u64);
} flow_spills SEC(".maps");

struct flow_hash {
	struct fingerprint print;
	__u32 tuple_sum;
	__u32 first, second; /* sets */
	__u32 direction;
	__u32 index_bits; /* of the cookie */
};

/* What a flow is opened with. */
struct flow_start {
	__u64 now;
	__u64 endpoint;
	__u32 port;
	__u32 target;
	__u32 target_generation;
	__u32 idle_s;
	__u32 state;
};

struct flow_ref {
	struct flow_slot *slot; /* NULL: there is none */
	__u32 index;
};

static __always_inline __u64 flow_tag(const struct flow_hash *hash)
{
	return (hash->print.high & ~(__u64)(FLOW_VALID | FLOW_BUSY)) | FLOW_VALID;
}

static __always_inline __u32 flow_cookie(const struct flow_hash *hash, __u32 index, __u32 generation)
{
	return generation << (hash->index_bits & 31) | index;
}

/* One end of a tuple as a number in which each of its bits counts: neighbours, which have neighbouring addresses, must not cancel out. */
static __always_inline __u32 flow_end(const __u32 *address, __u8 family, __be16 port)
{
	__u32 end = address[0] + port * 0x9e3779b1U;

	if (family == 6)
		end += (address[1] * 3 + address[2] * 5 + address[3] * 7) * 0x85ebca77U;
	end = (end ^ end >> 16) * 0x85ebca6bU;
	return (end ^ end >> 13) * 0xc2b2ae35U;
}

/* The same for both directions, and cheap. Not to be relied on against somebody who wants two tuples to have the same. */
static __always_inline __u32 flow_tuple_sum(const struct packet *packet, __u32 stickiness)
{
	int ports = stickiness == 5;
	__u32 sum = flow_end(packet->source, packet->family, ports ? packet->source_port : 0) +
		    flow_end(packet->destination, packet->family, ports ? packet->destination_port : 0);

	return stickiness == 2 ? sum : sum ^ packet->protocol << 24;
}

/* 0, or -1 before user space has given the table its key. */
static __always_inline int flow_hash(const struct packet *packet, __u64 endpoint, __u32 stickiness, struct flow_hash *hash)
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
	/* The smaller end first, whichever way the packet goes. */
	turned = a != b ? a > b : c != d ? c > d : packet->source_port > packet->destination_port;
	ports = turned ? pair(packet->destination_port, packet->source_port) : pair(packet->source_port, packet->destination_port);
	ports = ports << 16 | packet->protocol << 8 | packet->family;
	if (stickiness == 3)
		ports = packet->protocol << 8 | packet->family;
	else if (stickiness == 2)
		ports = packet->family;
	hash->direction = turned;
	hash->index_bits = settings->index_bits;
	struct siphash state = siphash_start(settings->key);

	siphash_add(&state, endpoint);
	siphash_add(&state, ports); /* says by the family how many words follow */
	if (packet->family == 6) {
		siphash_add(&state, turned ? b : a);
		siphash_add(&state, turned ? a : b);
		siphash_add(&state, turned ? d : c);
		siphash_add(&state, turned ? c : d);
	} else {
		siphash_add(&state, turned ? pair(b, a) : pair(a, b));
	}
	hash->print = siphash_end(&state);
	hash->tuple_sum = flow_tuple_sum(packet, stickiness);
	hash->first = (__u32)hash->print.low & settings->set_mask;
	hash->second = (__u32)(hash->print.low >> 32) & settings->set_mask;
	if (hash->second == hash->first)
		hash->second = (hash->first ^ 1) & settings->set_mask;
	return 0;
}

static __always_inline int flow_is_live(const struct flow_slot *slot, __u64 now)
{
	/* Signed: another CPU's clock may be a tick ahead. */
	return (__s64)(now - slot->last_seen_ns) <= (__s64)(slot->idle_s * FLOW_NS_PER_S);
}

/* Both sides are done, or one gave up. */
static __always_inline int flow_is_closed(__u32 state)
{
	return state & FLOW_RST || (state & (FLOW_FIN_0 | FLOW_FIN_1)) == (FLOW_FIN_0 | FLOW_FIN_1);
}

static __always_inline __u32 flow_fingerprint(const struct flow_hash *hash)
{
	return hash->print.low >> 32;
}

/* Starts at a way of the flow's own: most flows are found at the first try however full the set is. */
static __always_inline struct flow_ref flow_in_set(struct flow_set *set, __u32 number, const struct flow_hash *hash)
{
	const __u32 start = hash->print.low >> 29;
	const __u64 tag = flow_tag(hash);
	struct flow_ref none = {};

	for (__u32 i = 0; i < FLOW_WAYS; i++) {
		__u32 way = (start + i) & (FLOW_WAYS - 1);
		struct flow_slot *slot = &set->slots[way];

		if (slot->tag == tag && slot->fingerprint == flow_fingerprint(hash)) {
			struct flow_ref found = {.slot = slot, .index = number * FLOW_WAYS + way};

			return found;
		}
	}
	return none;
}

/* `until` is the first set's row of flow_spills. */
static __always_inline int flow_is_spilled(const __u64 *until, __u64 now)
{
	return until && *(const volatile __u64 *)until >= now;
}

/* One of the first set's flows is in a second one, and lives until then if nothing more comes. Never lowers what is said. */
static __always_inline void flow_spill(__u64 *until, __u64 then)
{
	for (__u32 i = 0; i < FLOW_CLAIMS; i++) {
		__u64 old = *(volatile __u64 *)until;

		if (old > then + FLOW_NS_PER_S || __sync_val_compare_and_swap(until, old, then + 2 * FLOW_NS_PER_S) == old)
			return;
	}
}

static __always_inline struct flow_ref flow_find(const struct flow_hash *hash, __u64 now)
{
	struct flow_ref found = {};
	struct flow_set *set = bpf_map_lookup_elem(&flows, &hash->first);

	if (set)
		found = flow_in_set(set, hash->first, hash);
	if (!found.slot && flow_is_spilled(bpf_map_lookup_elem(&flow_spills, &hash->first), now)) {
		set = bpf_map_lookup_elem(&flows, &hash->second);
		if (set)
			found = flow_in_set(set, hash->second, hash);
	}
	if (found.slot && !flow_is_live(found.slot, now))
		found.slot = NULL;
	return found;
}

/* Whether a slot still is this flow's of this generation. */
static __always_inline int flow_is_still(const volatile struct flow_slot *slot, const struct flow_hash *hash, __u32 generation)
{
	return slot->tag == flow_tag(hash) && slot->fingerprint == flow_fingerprint(hash) && slot->generation == generation;
}

/* Forgets a flow; another that took the slot meanwhile stays. */
static __always_inline void flow_forget(struct flow_slot *slot, const struct flow_hash *hash)
{
	__sync_val_compare_and_swap(&slot->tag, flow_tag(hash), 0);
}

/* What a packet of a flow changes in its slot. `shared` is a flow by 3- or 2-tuple. */
static __always_inline void flow_see(const struct flow_ref *flow, const struct flow_hash *hash, const struct packet *packet,
				     const struct flow_start *start)
{
	struct flow_slot *slot = flow->slot;
	__u32 state = slot->state, idle_s = start->idle_s;
	__u64 *spills;

	if (packet->protocol == IPPROTO_TCP && !(state & FLOW_TCP)) {
		__sync_fetch_and_or(&slot->state, FLOW_TCP);
	} else if (packet->protocol != IPPROTO_TCP && state & FLOW_TCP) {
		idle_s = slot->idle_s; /* what else goes between two hosts does not cut short their TCP */
	}
	if (!(state & FLOW_SHARED) && packet->protocol == IPPROTO_TCP) {
		__u32 seen = packet->tcp_flags & TCP_FLAG_BYTE_RST ? FLOW_RST :
			     packet->tcp_flags & TCP_FLAG_BYTE_FIN ? (hash->direction ? FLOW_FIN_1 : FLOW_FIN_0) :
								     0;

		if (seen & ~state)
			state = __sync_fetch_and_or(&slot->state, seen) | seen;
		else if (packet->tcp_flags & TCP_FLAG_BYTE_SYN && state & (FLOW_FIN_0 | FLOW_FIN_1))
			__sync_fetch_and_and(&slot->state, ~(FLOW_FIN_0 | FLOW_FIN_1)); /* begun again */
		if (flow_is_closed(state) && idle_s > FLOW_LINGER_S)
			idle_s = FLOW_LINGER_S;
	}
	if (flow->index / FLOW_WAYS != hash->first) {
		spills = bpf_map_lookup_elem(&flow_spills, &hash->first);
		if (spills)
			flow_spill(spills, start->now + idle_s * FLOW_NS_PER_S);
	}
	slot->last_seen_ns = start->now;
	slot->idle_s = idle_s;
	if (slot->port != (__u16)start->port) /* the endpoint's device was made anew */
		slot->port = start->port;
}

/* Counts a packet: one addition for packets and bytes, which two CPUs may make at once. Only when one of them goes round it is told. */
static __always_inline void flow_count(const struct flow_ref *flow, __u32 direction, __u32 packets, __u32 bytes)
{
	__u32 way = direction & 1;
	__u64 had = __sync_fetch_and_add(&flow->slot->counted[way], packets * FLOW_ONE_COUNTED + bytes);
	int bytes_round = (__u32)had + bytes < bytes, packets_round = (__u32)(had >> 32) + packets < packets;
	struct flow_tuple *tuple;

	if (!bytes_round && !packets_round)
		return;
	if (bytes_round) /* went into the packets */
		__sync_fetch_and_add(&flow->slot->counted[way], -FLOW_ONE_COUNTED);
	tuple = bpf_map_lookup_elem(&flow_tuples, &flow->index);
	if (!tuple)
		return;
	if (packets_round)
		__sync_fetch_and_add(&tuple->packets_high[way], 1);
	if (bytes_round)
		__sync_fetch_and_add(&tuple->bytes_high[way], 1);
}

/* For people; a reader between the slot's publication and this sees the slot's former tuple. */
static __always_inline void flow_describe(__u32 index, const struct packet *packet, __u64 now)
{
	struct flow_tuple *tuple = bpf_map_lookup_elem(&flow_tuples, &index);

	if (!tuple)
		return;
	__builtin_memcpy(tuple->source, packet->source, 16);
	__builtin_memcpy(tuple->destination, packet->destination, 16);
	tuple->source_port = packet->source_port;
	tuple->destination_port = packet->destination_port;
	tuple->protocol = packet->protocol;
	tuple->family = packet->family;
	tuple->former = 0;
	tuple->created_ns = now;
	tuple->packets_high[0] = 0;
	tuple->packets_high[1] = 0;
	tuple->bytes_high[0] = 0;
	tuple->bytes_high[1] = 0;
}

/* Another target. It and its generation change together, in one store. `state` says why it, FLOW_FAIL_OPEN or 0. */
static __always_inline void flow_move(const struct flow_ref *flow, __u32 target, __u32 generation, __u32 state)
{
	struct flow_tuple *tuple = bpf_map_lookup_elem(&flow_tuples, &flow->index);
	union {
		struct {
			__u16 target, port;
			__u32 generation;
		} part;
		__u64 whole;
	} both = {.part = {target, flow->slot->port, generation}};

	if (tuple)
		tuple->former = flow->slot->target;
	__sync_fetch_and_and(&flow->slot->state, ~(FLOW_FAIL_OPEN | FLOW_ADOPTED | FLOW_ANSWERED));
	__sync_fetch_and_or(&flow->slot->state, FLOW_MOVED | state);
	*(volatile __u64 *)&flow->slot->target = both.whole;
}
_Static_assert(__builtin_offsetof(struct flow_slot, target) % 8 == 0 &&
		       __builtin_offsetof(struct flow_slot, port) == __builtin_offsetof(struct flow_slot, target) + 2 &&
		       __builtin_offsetof(struct flow_slot, target_generation) == __builtin_offsetof(struct flow_slot, target) + 4,
	       "target, port and generation are one word");
_Static_assert(sizeof(struct flow_slot) == 64, "a cache line");

/* The slot that a cookie names, if it holds a live flow of the cookie's generation. */
static __always_inline struct flow_slot *flow_by_cookie(__u32 cookie, __u64 now)
{
	const struct flow_settings *settings = flow_settled();
	__u32 bits = settings ? settings->index_bits & 31 : 0;
	__u32 index = cookie & ((1U << bits) - 1);
	__u32 number = index / FLOW_WAYS;
	struct flow_set *set = bpf_map_lookup_elem(&flows, &number);
	struct flow_slot *slot;
	__u64 tag;

	if (!set)
		return NULL;
	slot = &set->slots[index & (FLOW_WAYS - 1)];
	tag = *(volatile __u64 *)&slot->tag;
	if (!(tag & FLOW_VALID) || tag & FLOW_BUSY || slot->generation != cookie >> bits || !flow_is_live(slot, now))
		return NULL;
	return slot;
}

#endif
