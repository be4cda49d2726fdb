/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What user space tells about a load balancer: its nodes (one per zone) and endpoints.
 *
 * Contract: user space writes what is pointed at before what points to it, and removes in the reverse order.
 */
#ifndef OPENGWLB_CONFIG_H
#define OPENGWLB_CONFIG_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_NODES);
	__type(key, __u32);
	__type(value, struct node_config);
} nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_NODES);
	__type(key, __u32);
	__type(value, __u32);
} node_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct endpoint_config);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENDPOINTS);
	__type(key, __u64);
	__type(value, __u32);
} endpoint_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_NODES);
	__type(key, __u32);
	__type(value, struct node_counter);
} node_counters SEC(".maps");

/* NULL for a node that is not in service. */
static __always_inline const struct node_config *node_at(__u32 slot)
{
	const struct node_config *node = bpf_map_lookup_elem(&nodes, &slot);

	return node && node->ifindex ? node : NULL;
}

#endif
