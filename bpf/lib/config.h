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
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct node_port);
} node_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
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

/* NULL for a port that is no endpoint's. */
static __always_inline const struct endpoint_config *endpoint_at(__u32 ifindex)
{
	const __u32 place = ifindex % PORTS;
	const struct endpoint_config *endpoint = bpf_map_lookup_elem(&endpoints, &place);

	return endpoint && endpoint->ifindex == ifindex ? endpoint : NULL;
}

/* NULL when the place is empty; by what a flow remembers of its endpoint's port. */
static __always_inline const struct endpoint_config *endpoint_in(__u32 place)
{
	const struct endpoint_config *endpoint = bpf_map_lookup_elem(&endpoints, &place);

	return endpoint && endpoint->ifindex ? endpoint : NULL;
}

/* NULL for an id that is no endpoint's. */
static __always_inline const struct endpoint_config *endpoint_by_id(__u64 id)
{
	const __u32 *ifindex = bpf_map_lookup_elem(&endpoint_ports, &id);

	return ifindex ? endpoint_at(*ifindex) : NULL;
}

/* NULL for a port that is no node's. */
static __always_inline const struct node_port *node_port_at(__u32 ifindex)
{
	const __u32 place = ifindex % PORTS;
	const struct node_port *port = bpf_map_lookup_elem(&node_ports, &place);

	return port && port->ifindex == ifindex ? port : NULL;
}

#endif
