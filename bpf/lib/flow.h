/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The flow table: a set-associative array of 64-byte slots (struct flow_slot), eight to a set.
 *
 * Contract: flow_hash() gives both directions of a flow, within one endpoint, the same keyed 128-bit fingerprint. flow_find() answers a
 * live slot or NULL. flow_open() makes one, or answers the one that another CPU has just made; it never evicts a live flow, so it can
 * answer NULL. flow_by_cookie() is for returns. Slots are read without a lock: whoever read a slot asks flow_is_still() afterwards.
 *
 * A flow lives in the set that its fingerprint names, or in a second one when the first was full. Who opens a flow holds the lock of its
 * first set, so no flow is opened twice; slots themselves are claimed by compare-and-swap, because a set is one flow's first and another's
 * second. The atomic operations are full barriers; plain loads and stores around them rely on x86's order.
 */
#ifndef OPENGWLB_FLOW_H
#define OPENGWLB_FLOW_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "parse.h"
#include "siphash.h"

#define FLOW_SETS_DEFAULT 32768 /* user space sizes the table when it makes it */
#define FLOW_LOCKS 4096
#define FLOW_NS_PER_S 1000000000ULL

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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_settings);
} flow_settings SEC(".maps");

struct flow_lock {
	struct bpf_spin_lock lock;
};

/* Apart from the sets: the kernel maps no memory with locks in it into user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_LOCKS);
	__type(key, __u32);
	__type(value, struct flow_lock);
} flow_locks SEC(".maps");

struct flow_hash {
	struct fingerprint print;
	__u32 first, second; /* sets */
};

/* What a flow is opened with. */
struct flow_start {
	__u64 now;
	__u64 endpoint;
	__u32 target;
	__u32 target_generation;
	__u32 idle_s;
};

struct flow_ref {
	struct flow_slot *slot; /* NULL: there is none */
	__u32 index;
};

static __always_inline __u64 flow_tag(const struct flow_hash *hash)
{
	return (hash->print.high & ~(__u64)(FLOW_VALID | FLOW_BUSY)) | FLOW_VALID;
}

static __always_inline __u32 flow_cookie(__u32 index, __u32 generation)
{
	return generation << FLOW_COOKIE_INDEX_BITS | index;
}

static __always_inline __u64 pair(__u32 high, __u32 low)
{
	return (__u64)high << 32 | low;
}

/* 0, or -1 before user space has given the table its key. */
static __always_inline int flow_hash(const struct packet *packet, __u64 endpoint, struct flow_hash *hash)
{
	const __u32 zero = 0;
	const struct flow_settings *settings = bpf_map_lookup_elem(&flow_settings, &zero);
	__u64 a = pair(packet->source[0], packet->source[1]), b = pair(packet->destination[0], packet->destination[1]);
	__u64 c = pair(packet->source[2], packet->source[3]), d = pair(packet->destination[2], packet->destination[3]);
	__u64 ports;
	int turned;

	if (!settings || !(settings->key[0] | settings->key[1]))
		return -1;
	/* The smaller end first, whichever way the packet goes. */
	turned = a != b ? a > b : c != d ? c > d : packet->source_port > packet->destination_port;
	ports = turned ? pair(packet->destination_port, packet->source_port) : pair(packet->source_port, packet->destination_port);
	ports = ports << 16 | packet->protocol << 8 | packet->family;
	struct siphash state = siphash_start(settings->key);

	siphash_add(&state, endpoint);
	siphash_add(&state, ports);
	siphash_add(&state, turned ? b : a);
	siphash_add(&state, turned ? a : b);
	if (packet->family == 6) {
		siphash_add(&state, turned ? d : c);
		siphash_add(&state, turned ? c : d);
	}
	hash->print = siphash_end(&state);
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

/* Starts at a way of the flow's own: most flows are found at the first try however full the set is. */
static __always_inline struct flow_ref flow_in_set(struct flow_set *set, __u32 number, const struct flow_hash *hash)
{
	const __u32 start = hash->print.low >> 29;
	const __u64 tag = flow_tag(hash);
	struct flow_ref none = {};

	for (__u32 i = 0; i < FLOW_WAYS; i++) {
		__u32 way = (start + i) & (FLOW_WAYS - 1);
		struct flow_slot *slot = &set->slots[way];

		if (slot->tag == tag && slot->fingerprint == hash->print.low) {
			struct flow_ref found = {.slot = slot, .index = number * FLOW_WAYS + way};

			return found;
		}
	}
	return none;
}

static __always_inline struct flow_ref flow_find(const struct flow_hash *hash, __u64 now)
{
	struct flow_ref found = {};
	struct flow_set *set = bpf_map_lookup_elem(&flows, &hash->first);

	if (set)
		found = flow_in_set(set, hash->first, hash);
	if (!found.slot) {
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
	return slot->tag == flow_tag(hash) && slot->fingerprint == hash->print.low && slot->generation == generation;
}

static __always_inline int flow_claim(struct flow_slot *slot, const struct flow_hash *hash, const struct flow_start *start)
{
	volatile struct flow_slot *place = slot;
	__u64 old = place->tag;

	if (old & FLOW_BUSY || (old & FLOW_VALID && flow_is_live(slot, start->now)))
		return 0;
	if (__sync_val_compare_and_swap(&slot->tag, old, flow_tag(hash) | FLOW_BUSY) != old)
		return 0;
	place->fingerprint = hash->print.low;
	place->last_seen_ns = start->now;
	place->endpoint = start->endpoint;
	place->packets = 0;
	place->bytes = 0;
	place->target = start->target;
	place->target_generation = start->target_generation;
	place->generation = place->generation % FLOW_GENERATIONS + 1;
	place->idle_s = start->idle_s;
	__sync_lock_test_and_set(&slot->tag, flow_tag(hash));
	return 1;
}

static __always_inline struct flow_ref flow_claim_in(struct flow_set *set, __u32 number, const struct flow_hash *hash,
						     const struct flow_start *start)
{
	const __u32 first = hash->print.low >> 29;
	struct flow_ref none = {};

	for (__u32 i = 0; i < FLOW_WAYS; i++) {
		__u32 way = (first + i) & (FLOW_WAYS - 1);
		struct flow_slot *slot = &set->slots[way];

		if (flow_claim(slot, hash, start)) {
			struct flow_ref found = {.slot = slot, .index = number * FLOW_WAYS + way};

			return found;
		}
	}
	return none;
}

/* The flow's slot: the live one that another CPU opened meanwhile, its own expired one, or a free one. NULL: both sets are full. */
static __always_inline struct flow_ref flow_open(const struct flow_hash *hash, const struct flow_start *start)
{
	struct flow_set *first = bpf_map_lookup_elem(&flows, &hash->first);
	struct flow_set *second = bpf_map_lookup_elem(&flows, &hash->second);
	__u32 number = hash->first % FLOW_LOCKS;
	struct flow_lock *lock = bpf_map_lookup_elem(&flow_locks, &number);
	struct flow_ref found = {};

	if (!first || !second || !lock)
		return found;
	bpf_spin_lock(&lock->lock);
	found = flow_in_set(first, hash->first, hash);
	if (!found.slot)
		found = flow_in_set(second, hash->second, hash);
	if (found.slot && !flow_is_live(found.slot, start->now) && !flow_claim(found.slot, hash, start))
		found.slot = NULL; /* another flow was quicker */
	if (!found.slot)
		found = flow_claim_in(first, hash->first, hash, start);
	if (!found.slot)
		found = flow_claim_in(second, hash->second, hash, start);
	bpf_spin_unlock(&lock->lock);
	return found;
}

/* For people; a reader between the slot's publication and this sees the slot's former tuple. */
static __always_inline void flow_describe(__u32 index, const struct packet *packet)
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
}

/* Target and its generation change together, in one store. */
static __always_inline void flow_assign(struct flow_slot *slot, __u32 target, __u32 generation)
{
	union {
		struct {
			__u32 target, generation;
		} part;
		__u64 whole;
	} both = {.part = {target, generation}};

	*(volatile __u64 *)&slot->target = both.whole;
}
_Static_assert(__builtin_offsetof(struct flow_slot, target) % 8 == 0 &&
		       __builtin_offsetof(struct flow_slot, target_generation) == __builtin_offsetof(struct flow_slot, target) + 4,
	       "target and its generation are one word");

/* The slot that a cookie names, if it holds a live flow of the cookie's generation. */
static __always_inline struct flow_slot *flow_by_cookie(__u32 cookie, __u64 now)
{
	__u32 index = cookie & ((1U << FLOW_COOKIE_INDEX_BITS) - 1);
	__u32 number = index / FLOW_WAYS;
	struct flow_set *set = bpf_map_lookup_elem(&flows, &number);
	struct flow_slot *slot;
	__u64 tag;

	if (!set)
		return NULL;
	slot = &set->slots[index & (FLOW_WAYS - 1)];
	tag = *(volatile __u64 *)&slot->tag;
	if (!(tag & FLOW_VALID) || tag & FLOW_BUSY || slot->generation != cookie >> FLOW_COOKIE_INDEX_BITS || !flow_is_live(slot, now))
		return NULL;
	return slot;
}

#endif
