/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which target a flow goes to.
 *
 * Contract: user space fills one Maglev table per node with the slots of targets that may get new flows, and swaps it whole. A target's
 * generation changes when flows must leave it; a flow remembers the one it was given to.
 */
#ifndef OPENGWLB_SELECT_H
#define OPENGWLB_SELECT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __u32);
	__type(value, struct target_config);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __be32);
	__type(value, __u32);
} target_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_NODES);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, MAGLEV_SIZE);
		__type(key, __u32);
		__type(value, __u32);
	});
} maglev SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __u32);
	__type(value, struct target_counter);
} target_counters SEC(".maps");

struct choice {
	__u32 target;
	__u32 generation;
	__be32 address;
};

#define SELECT_TRIES 8 /* places that are asked while targets are being left */
#define SELECT_STEP 5647 /* between them: far apart, and no divisor of MAGLEV_SIZE */

/* The target in a slot, if it still is the one of this generation and flows do not leave it, else NULL. */
static __always_inline const struct target_config *target_still(__u32 slot, __u32 generation)
{
	const struct target_config *target = bpf_map_lookup_elem(&targets, &slot);

	return target && target->address && target->generation == generation && !(target->flags & TARGET_LEAVING) ? target : NULL;
}

/* 0, or -1 when there is nobody to choose. The same hash gets the same target as long as it is listed. */
static __always_inline int select_target(const struct node_config *node, __u32 slot, __u32 hash, struct choice *choice)
{
	const struct target_config *target;
	const __u32 *chosen;
	__u32 place = hash % MAGLEV_SIZE;
	void *table;

	if (!node->targets)
		return -1;
	table = bpf_map_lookup_elem(&maglev, &slot);
	if (!table)
		return -1;
	for (__u32 i = 0; i < SELECT_TRIES; i++) {
		chosen = bpf_map_lookup_elem(table, &place);
		if (!chosen)
			return -1;
		choice->target = *chosen;
		target = bpf_map_lookup_elem(&targets, &choice->target);
		if (!target || !target->address)
			return -1;
		if (!(target->flags & TARGET_LEAVING))
			break;
		place = (place + SELECT_STEP) % MAGLEV_SIZE;
	}
	choice->generation = target->generation;
	choice->address = target->address;
	return 0;
}

/* Plain additions: per CPU, and tc programs do not interrupt each other there. `flow` is its slot's index, `state` what that says. */
static __always_inline void target_given(__u32 slot, __u32 flow, __u32 state, __u64 packets, __u64 now)
{
	struct target_counter *counter = bpf_map_lookup_elem(&target_counters, &slot);

	if (!counter)
		return;
	counter->given += packets;
	counter->last_given_ns = now;
	if (state & FLOW_ANSWERED) {
		counter->awaited += packets;
		counter->turns += counter->last_awaited != flow;
		counter->last_awaited = flow;
	}
}

static __always_inline void target_got_flow(__u32 slot)
{
	struct target_counter *counter = bpf_map_lookup_elem(&target_counters, &slot);

	if (counter)
		counter->flows++;
}

static __always_inline void target_returned(__u32 slot, struct flow_slot *flow, __u64 packets, __u64 now)
{
	struct target_counter *counter = bpf_map_lookup_elem(&target_counters, &slot);

	if (!counter)
		return;
	counter->returned += packets;
	counter->last_returned_ns = now;
	if (!(flow->state & FLOW_ANSWERED)) {
		__sync_fetch_and_or(&flow->state, FLOW_ANSWERED);
		counter->answered++;
	}
}

#endif
