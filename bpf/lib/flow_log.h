/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What flow logs are made of: for each network interface that one covers, how many packets of which flow were let through or refused.
 *
 * Contract: flow_log_sent() for what enters the router by an interface's port, once its groups and ACL have decided; flow_log_received()
 * for what leaves toward one, once its own have. Nobody calls them for what AWS leaves out: ARP and neighbour discovery, DHCP, the VPC's
 * name server, instance metadata, and the router's own addresses. Both cost one test of a bit where no flow log is.
 *
 * User space turns `flow_log_round` forward, waits until no program is left that read the former value, and then takes the records of
 * that round away: nothing is added to them any more, and nothing that comes meanwhile is lost. What finds no room is counted as lost:
 * the map is full, or the port has had its share of it in this round, so that one interface's scan of ports is not another's gap.
 */
#ifndef OPENGWLB_FLOW_LOG_H
#define OPENGWLB_FLOW_LOG_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "count.h"
#include "parse.h"

#define FLOW_LOG_EEXIST (-17)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FLOW_LOG_RECORDS);
	__type(key, struct flow_log_key);
	__type(value, struct flow_log_count);
} flow_log_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_ENIS);
	__type(key, __u32);
	__type(value, struct flow_log_port);
} flow_log_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flow_log_round SEC(".maps");

/* Where a record is put together: the stack has no room for it at the end of the router's calls. Programs on one CPU do not interrupt
 * each other. */
struct flow_log_draft {
	struct flow_log_key key;
	struct flow_log_count count;
	struct packet packet;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_log_draft);
} flow_log_drafts SEC(".maps");

/* AWS's tcp-flags has FIN, SYN and RST, and ACK where it came with SYN. */
static __always_inline __u32 flow_log_tcp_flags(const struct packet *packet)
{
	__u32 flags = packet->tcp_flags & (TCP_FLAG_BYTE_FIN | TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_RST);

	if (flags & TCP_FLAG_BYTE_SYN)
		flags |= packet->tcp_flags & TCP_FLAG_BYTE_ACK;
	return flags;
}

static __always_inline struct flow_log_port *flow_log_port_of(__u32 ifindex)
{
	struct flow_log_port none = {}, *port = bpf_map_lookup_elem(&flow_log_ports, &ifindex);

	if (port)
		return port;
	bpf_map_update_elem(&flow_log_ports, &ifindex, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&flow_log_ports, &ifindex);
}

static __always_inline void flow_log_add(struct flow_log_count *row, const struct flow_log_count *one)
{
	__sync_fetch_and_add(&row->packets, one->packets);
	__sync_fetch_and_add(&row->bytes, one->bytes);
	if (one->tcp_flags & ~row->tcp_flags)
		__sync_fetch_and_or(&row->tcp_flags, one->tcp_flags);
	row->last_ns = one->last_ns;
	row->path = one->path;
}

/* The first packet of a record; 0 when there was room for it. */
static __always_inline int flow_log_begin(const struct flow_log_key *key, const struct flow_log_count *one)
{
	struct flow_log_port *port = flow_log_port_of(key->ifindex);
	struct flow_log_count *row;
	long error;

	if (!port)
		return -1;
	if (port->round != key->round) {
		port->round = key->round;
		port->records = 0;
	}
	error = port->records < FLOW_LOG_SHARE ? bpf_map_update_elem(&flow_log_records, key, one, BPF_NOEXIST) : -1;
	if (!error) {
		__sync_fetch_and_add(&port->records, 1);
		return 0;
	}
	row = error == FLOW_LOG_EEXIST ? bpf_map_lookup_elem(&flow_log_records, key) : NULL; /* another CPU was first */
	if (row) {
		flow_log_add(row, one);
		return 0;
	}
	__sync_fetch_and_add(&port->lost, one->packets);
	return 0;
}

/* A function of its own, so that packets which nobody logs pay nothing for it. `what`: FLOW_LOG_EGRESS and FLOW_LOG_REJECT, the path
 * from bit 8 on. */
static __noinline int flow_log_record(struct __sk_buff *skb, __u32 ifindex, __u32 family, __u32 what)
{
	const struct counter size = arrival(skb);
	const __u32 zero = 0;
	const __u32 *round = bpf_map_lookup_elem(&flow_log_round, &zero);
	struct flow_log_draft *draft = bpf_map_lookup_elem(&flow_log_drafts, &zero);
	struct flow_log_count *row;
	struct packet *packet;

	if (!round || !draft)
		return -1;
	packet = &draft->packet;
	if (parse_plain(skb, ETH_HLEN, packet) && parse_ip(skb, ETH_HLEN, family, packet))
		return -1;
	draft->key.round = *round;
	draft->key.ifindex = ifindex;
	__builtin_memcpy(draft->key.source, packet->source, sizeof(packet->source));
	__builtin_memcpy(draft->key.destination, packet->destination, sizeof(packet->destination));
	draft->key.source_port = packet->source_port;
	draft->key.destination_port = packet->destination_port;
	draft->key.protocol = packet->protocol;
	draft->key.family = family;
	draft->key.what = what;
	draft->count.packets = size.packets;
	draft->count.bytes = size.bytes;
	draft->count.first_ns = draft->count.last_ns = bpf_ktime_get_coarse_ns();
	draft->count.tcp_flags = flow_log_tcp_flags(packet);
	draft->count.path = what >> 8;
	row = bpf_map_lookup_elem(&flow_log_records, &draft->key);
	if (!row)
		return flow_log_begin(&draft->key, &draft->count);
	flow_log_add(row, &draft->count);
	return 0;
}

/* AWS's traffic-path, as far as it exists here: through an internet gateway, or to another resource of the VPC. */
static __always_inline __u32 flow_log_path(const struct eni_config *leaving)
{
	if (!leaving)
		return 0;
	return leaving->role == ENI_ROLE_IGW ? FLOW_LOG_BY_GATEWAY : FLOW_LOG_IN_VPC;
}

/* `leaving` is the port that it will leave the router by; NULL when no route led to one, or it was refused. */
static __always_inline void flow_log_sent(struct __sk_buff *skb, const struct eni_config *port, __u32 family, __u32 refused,
					  const struct eni_config *leaving)
{
	if (port->flags & ENI_FLOW_LOG)
		flow_log_record(skb, port->ifindex, family,
				FLOW_LOG_EGRESS | (refused ? FLOW_LOG_REJECT : 0) | flow_log_path(leaving) << 8);
}

static __always_inline void flow_log_received(struct __sk_buff *skb, const struct eni_config *port, __u32 family, __u32 refused)
{
	if (port->flags & ENI_FLOW_LOG)
		flow_log_record(skb, port->ifindex, family, refused ? FLOW_LOG_REJECT : 0);
}

#endif
