/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How a flow gets its slot in the table of flow.h.
 *
 * Contract: flow_open() makes a flow, or answers the one that another CPU has just made. Who opens a flow holds the lock of its first set,
 * so no flow is opened twice; slots themselves are claimed by compare-and-swap, because a set is one flow's first and another's second.
 *
 * Who yields to a newcomer: what holds nothing or expired; when both sets have none, a closed flow; then the one-packet flow without TCP
 * that was not seen for longest; then a TCP flow unseen for longer than flow_settings says. Else the newcomer is refused.
 */
#ifndef OPENGWLB_FLOW_OPEN_H
#define OPENGWLB_FLOW_OPEN_H

#include "flow.h"

#define FLOW_LOCKS 4096

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

/* How many flows each CPU opened in the second that is running. */
struct flow_guard {
	__u64 second;
	__u64 opened;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_guard);
} flow_guards SEC(".maps");

/* -1 when this CPU has opened as many flows as it may in this second. */
static __always_inline int flow_guard(__u64 now)
{
	const struct flow_settings *settings = flow_settled();
	const __u32 zero = 0;
	struct flow_guard *guard = bpf_map_lookup_elem(&flow_guards, &zero);
	__u64 second = now / FLOW_NS_PER_S;

	if (!settings || !guard)
		return -1;
	if (guard->second != second) {
		guard->second = second;
		guard->opened = 0;
	}
	return settings->new_flows_per_s && ++guard->opened > settings->new_flows_per_s ? -1 : 0;
}

/* How ready a slot is to be claimed: 0 not at all, else the more the higher. FLOW_FREE and above: it holds no live flow. */
#define FLOW_RANK 60
#define FLOW_FREE (4ULL << FLOW_RANK)
#define FLOW_CLOSED (3ULL << FLOW_RANK)
#define FLOW_ONE_PACKET (2ULL << FLOW_RANK)
#define FLOW_UNSEEN_TCP (1ULL << FLOW_RANK)

static __always_inline __u64 flow_yields(const struct flow_slot *place, const struct flow_settings *settings, __u64 now)
{
	const volatile struct flow_slot *slot = place;
	__u64 tag = slot->tag, unseen = now - slot->last_seen_ns;
	__u32 state = slot->state;

	if (tag & FLOW_BUSY)
		return 0;
	/* Claimed in this very tick: its cookies would come round too soon. */
	if (slot->generation && state >> FLOW_CLAIMED_SHIFT == (__u16)(now >> (settings->tick_shift & 63)))
		return 0;
	if (!(tag & FLOW_VALID) || !flow_is_live(place, now))
		return FLOW_FREE;
	if ((__s64)unseen < 0)
		unseen = 0;
	if (flow_is_closed(state))
		return FLOW_CLOSED + unseen;
	if (state & FLOW_TCP)
		return unseen > settings->tcp_yields_after_s * FLOW_NS_PER_S ? FLOW_UNSEEN_TCP + unseen : 0;
	return slot->counted[0] / FLOW_ONE_COUNTED + slot->counted[1] / FLOW_ONE_COUNTED == 1 ? FLOW_ONE_PACKET + unseen : 0;
}

/* The place in a set that yields most easily, if more easily than `least`; of free ones the first on the flow's way. FLOW_WAYS: none. */
static __always_inline __u32 flow_victim(const struct flow_set *set, __u32 first, const struct flow_settings *settings, __u64 now,
					 __u64 *least)
{
	__u32 best = FLOW_WAYS;

	for (__u32 i = 0; i < FLOW_WAYS; i++) {
		__u32 way = (first + i) & (FLOW_WAYS - 1);
		__u64 yields = flow_yields(&set->slots[way], settings, now);

		if (yields > *least) {
			best = way;
			*least = yields;
		}
		if (yields == FLOW_FREE)
			break;
	}
	return best;
}

/* The index of the slot that makes room, or -1. Global, like flow_make(): the verifier looks at it once, and packets of known flows do
 * not pay for its size. */
__noinline int flow_choose(const struct flow_hash *hash, __u64 now)
{
	const struct flow_settings *settings = flow_settled();
	struct flow_set *set;
	__u32 first, way, number;
	__u64 yields = 0;
	int chosen = -1;

	if (!hash || !settings)
		return -1;
	first = hash->print.low >> 29;
	number = hash->first;
	set = bpf_map_lookup_elem(&flows, &number);
	if (!set)
		return -1;
	way = flow_victim(set, first, settings, now, &yields);
	if (way < FLOW_WAYS)
		chosen = number * FLOW_WAYS + way;
	if (yields >= FLOW_FREE)
		return chosen;
	number = hash->second;
	set = bpf_map_lookup_elem(&flows, &number);
	if (!set)
		return -1;
	way = flow_victim(set, first, settings, now, &yields);
	return way < FLOW_WAYS ? number * FLOW_WAYS + way : chosen;
}

/* Takes a slot from whatever it holds, if that still is what was there when the caller looked. */
static __always_inline int flow_claim(struct flow_slot *slot, __u64 old, const struct flow_hash *hash, const struct flow_start *start,
				      const struct flow_settings *settings)
{
	volatile struct flow_slot *place = slot;
	__u32 last = (1U << ((FLOW_COOKIE_BITS - settings->index_bits) & 31)) - 1;
	__u16 tick = start->now >> (settings->tick_shift & 63);

	if (old & FLOW_BUSY || __sync_val_compare_and_swap(&slot->tag, old, flow_tag(hash) | FLOW_BUSY) != old)
		return 0;
	place->fingerprint = flow_fingerprint(hash);
	place->tuple_sum = hash->tuple_sum;
	place->last_seen_ns = start->now;
	place->endpoint = start->endpoint;
	place->counted[0] = 0;
	place->counted[1] = 0;
	place->target = start->target;
	place->port = start->port;
	place->target_generation = start->target_generation;
	place->generation = place->generation >= last ? 1 : place->generation + 1;
	place->idle_s = start->idle_s;
	place->state = start->state | (__u32)tick << FLOW_CLAIMED_SHIFT;
	__sync_lock_test_and_set(&slot->tag, flow_tag(hash));
	return 1;
}

static __always_inline struct flow_slot *flow_at(__u32 index)
{
	__u32 number = index / FLOW_WAYS;
	struct flow_set *set = bpf_map_lookup_elem(&flows, &number);

	return set ? &set->slots[index & (FLOW_WAYS - 1)] : NULL;
}

/* One try; `chosen` is the slot to take, or -1. The index of the flow's slot, -1 when nobody yields, -2 when another CPU was quicker. */
__noinline int flow_make(const struct flow_hash *hash, const struct flow_start *start, int chosen)
{
	const struct flow_settings *settings = flow_settled();
	struct flow_set *first, *second;
	struct flow_lock *lock;
	struct flow_ref found;
	struct flow_slot *slot;
	__u32 number;
	int made = -1;
	__u64 old, *spills;

	if (!hash || !start || !settings)
		return -1;
	number = hash->first;
	spills = bpf_map_lookup_elem(&flow_spills, &number);
	first = bpf_map_lookup_elem(&flows, &number);
	number = hash->second;
	second = bpf_map_lookup_elem(&flows, &number);
	number = hash->first % FLOW_LOCKS;
	lock = bpf_map_lookup_elem(&flow_locks, &number);
	slot = chosen < 0 ? NULL : flow_at(chosen);
	if (!first || !second || !lock || !spills)
		return -1;
	bpf_spin_lock(&lock->lock);
	found = flow_in_set(first, hash->first, hash);
	if (!found.slot && flow_is_spilled(spills, start->now))
		found = flow_in_set(second, hash->second, hash);
	if (found.slot && flow_is_live(found.slot, start->now) && !flow_is_closed(found.slot->state)) {
		made = found.index; /* another CPU has just opened it */
	} else if (found.slot) {
		if (flow_yields(found.slot, settings, start->now) && flow_claim(found.slot, flow_tag(hash), hash, start, settings)) {
			made = found.index;
		} else {
			flow_forget(found.slot, hash); /* never two slots of one flow */
			made = -2;
		}
	} else if (slot) {
		old = *(volatile __u64 *)&slot->tag;
		if ((__u32)chosen / FLOW_WAYS != hash->first)
			flow_spill(spills, start->now + start->idle_s * FLOW_NS_PER_S);
		/* Asked again, of what `old` stands for. */
		made = flow_yields(slot, settings, start->now) && flow_claim(slot, old, hash, start, settings) ? chosen : -2;
	}
	bpf_spin_unlock(&lock->lock);
	return made;
}

/* The flow's slot: the open one that another CPU made meanwhile, or one of its own. NULL: nobody yields. */
static __always_inline struct flow_ref flow_open(const struct flow_hash *hash, const struct flow_start *start)
{
	struct flow_ref found = {};
	int index = -2;

	for (__u32 i = 0; i < FLOW_CLAIMS && index == -2; i++)
		index = flow_make(hash, start, flow_choose(hash, start->now));
	if (index >= 0) {
		found.slot = flow_at(index);
		found.index = index;
	}
	return found;
}

#endif
