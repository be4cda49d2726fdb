/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The flow table's rival, for measuring: lib/flow_open.h with its sets replaced by the kernel's BPF_MAP_TYPE_LRU_HASH.
 *
 * Contract: include it before whatever includes lib/flow_open.h. Everything that reads or writes a slot stays as it is (the same struct
 * flow_slot, 64 bytes, the same counters and tuples); finding, opening and forgetting a flow are the map's. Both sides pay for the keyed
 * hash, which also names the target and the outer port; here it is the map's key. flow_by_cookie() stays the own table's and finds nothing:
 * this is for programs that encapsulate.
 *
 * In the map's favour: it keeps no cookie free for 30 s, guards no established flow against newcomers (the least recently used one goes,
 * whatever it carried), and no lock keeps two CPUs from opening a flow with two targets. Against it: a new flow is looked up once more, hot,
 * because a flow's first packet is counted in the map.
 */
#ifndef OPENGWLB_BENCH_LRU_FLOW_H
#define OPENGWLB_BENCH_LRU_FLOW_H

#define flow_find flow_find_in_sets
#define flow_open flow_open_in_sets
#define flow_forget flow_forget_in_sets
#define flow_is_still flow_is_still_in_set
#include <lib/flow_open.h>
#undef flow_find
#undef flow_open
#undef flow_forget
#undef flow_is_still

/* User space sizes it like the own table. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_SETS_DEFAULT * FLOW_WAYS);
	__type(key, struct fingerprint);
	__type(value, struct flow_slot);
} lru_flows SEC(".maps");

/* A place in flow_tuples, and the cookie's lower bits. */
static __always_inline __u32 lru_index(const struct flow_hash *hash)
{
	return hash->first * FLOW_WAYS + (__u32)(hash->print.low >> 29 & (FLOW_WAYS - 1));
}

static __always_inline struct flow_ref flow_find(const struct flow_hash *hash, __u64 now)
{
	struct flow_ref found = {.slot = bpf_map_lookup_elem(&lru_flows, &hash->print), .index = lru_index(hash)};

	if (found.slot && !flow_is_live(found.slot, now))
		found.slot = NULL;
	return found;
}

static __always_inline int flow_is_still(const volatile struct flow_slot *slot, const struct flow_hash *hash, __u32 generation)
{
	return slot->tag == flow_tag(hash) && slot->generation == generation;
}

static __always_inline void flow_forget(struct flow_slot *slot __attribute__((unused)), const struct flow_hash *hash)
{
	bpf_map_delete_elem(&lru_flows, &hash->print);
}

/* A function of its own, for its stack. */
static __attribute__((noinline)) int lru_insert(const struct flow_hash *hash, const struct flow_start *start)
{
	struct flow_slot fresh = {
		.tag = flow_tag(hash),
		.last_seen_ns = start->now,
		.endpoint = start->endpoint,
		.port = start->port,
		.target = start->target,
		.target_generation = start->target_generation,
		.generation = 1,
		.idle_s = start->idle_s,
		.state = start->state,
	};

	return bpf_map_update_elem(&lru_flows, &hash->print, &fresh, BPF_ANY);
}

static __always_inline struct flow_ref flow_open(const struct flow_hash *hash, const struct flow_start *start)
{
	struct flow_ref none = {};

	return lru_insert(hash, start) ? none : flow_find(hash, start->now);
}

#endif
