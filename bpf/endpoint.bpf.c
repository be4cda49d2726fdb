// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A Gateway Load Balancer endpoint: tcx ingress of its end in the load balancer's box. Before it the consumer VPC's router, after it the
 * node's port toward the provider VPC.
 *
 * Each packet belongs to a flow, each flow to a target; the packet leaves in GENEVE, otherwise unchanged but for the MSS of a SYN.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#define ORDINARY VERDICT_encapsulated
#include "lib/config.h"
#include "lib/count.h"
#include "lib/csum.h"
#include "lib/flow_open.h"
#include "lib/fragment.h"
#include "lib/geneve.h"
#include "lib/icmp.h"
#include "lib/ipv4.h"
#include "lib/parse.h"
#include "lib/pmtud.h"
#include "lib/reset.h"
#include "lib/select.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

#define MSS_IPV4 (INNER_MTU - 40)
#define MSS_IPV6 (INNER_MTU - 60)
#define OUTER_MAX 65535
/* Every link that carries the tunnel takes this much: only larger packets are held against the link's MTU, which costs 20 ns. */
#define ANY_LINK (1500 + ENCAP_LEN)
#define EALREADY 114

#define ENCAP_FLAGS (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP)

/* What the stack has no room for. */
struct desk {
	struct packet packet;
	struct flow_hash hash;
	struct tunnel_frame frame;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct desk);
} desks SEC(".maps");

/* What the packet's flow says about its way. */
struct way {
	__be32 target;
	__u32 cookie;
	__u32 generation; /* of the slot */
	__u32 slot;	  /* of the target */
	__u32 flow;	  /* index of its slot */
	__u32 state;	  /* of the flow */
	__u64 now;
	__u16 port;
};

static __always_inline int is_forwardable_v6(struct __sk_buff *skb, const struct packet *packet)
{
	const __u8 *source = (const __u8 *)packet->source, *destination = (const __u8 *)packet->destination;
	__u8 type;

	if (source[0] == 0xff || destination[0] == 0xff) /* multicast */
		return 0;
	if ((source[0] == 0xfe && (source[1] & 0xc0) == 0x80) || (destination[0] == 0xfe && (destination[1] & 0xc0) == 0x80))
		return 0; /* link-local */
	if (packet->protocol != PROTOCOL_ICMPV6 || packet->fragment == LATER_FRAGMENT)
		return 1;
	if (packet->transport >= ETH_HLEN + packet->length || bpf_skb_load_bytes(skb, packet->transport, &type, 1))
		return 1;
	return type < 133 || type > 137; /* neighbour discovery, RFC 4861 */
}

static __always_inline int is_forwardable(struct __sk_buff *skb, const struct packet *packet)
{
	if (packet->family == 6)
		return is_forwardable_v6(skb, packet);
	return ipv4_is_unicast(packet->source[0]) && ipv4_is_unicast(packet->destination[0]);
}

/* 8500 is a limit of the service, not of a device; of a super-packet each segment has to keep it. */
static __always_inline int is_too_big(struct __sk_buff *skb, const struct packet *packet)
{
	return packet->length + ENCAP_LEN > OUTER_MAX || segment_length(skb, packet) > INNER_MTU;
}

static __always_inline __u32 chosen_state(const struct node_config *node)
{
	return node->flags & NODE_FAIL_OPEN ? FLOW_FAIL_OPEN : 0;
}

/* A reset instead of a way, where the target asks for it. Not while every target is unhealthy: a new connection would meet the same. */
static __always_inline __u32 reset_by(const struct target_config *target, const struct node_config *node, const struct packet *packet)
{
	if (!target->flags || node->flags & NODE_FAIL_OPEN || !is_resettable(packet))
		return VERDICT_encapsulated;
	return target->flags & TARGET_RESET_DEREGISTERED ? VERDICT_tcp_reset_deregistered : VERDICT_tcp_reset_unhealthy;
}

/* Another target for a flow whose own wants no more of it. -1 when there is none. A function of its own, as it happens seldom. */
static __noinline int give_away(const struct flow_ref *found, __u32 hash, const struct endpoint_config *endpoint, struct choice *choice)
{
	const struct node_config *node = node_at(endpoint->node);
	struct node_counter *counter;

	if (!node || select_target(node, endpoint->node, hash, choice))
		return -1;
	flow_move(found, choice->target, choice->generation, chosen_state(node));
	counter = bpf_map_lookup_elem(&node_counters, &endpoint->node);
	if (counter)
		counter->moved_flows++;
	target_got_flow(choice->target);
	return 0;
}

/* A known flow's way. encapsulated, no_targets, or tcp_reset_… */
static __always_inline __u32 follow(const struct flow_ref *found, const struct flow_hash *hash, const struct packet *packet,
				    const struct node_config *node, const struct endpoint_config *endpoint, struct way *way)
{
	const struct target_config *target;
	struct choice choice = {};

	way->generation = found->slot->generation;
	way->cookie = flow_cookie(hash, found->index, way->generation);
	target = target_still(found->slot->target, found->slot->target_generation);
	if (target) {
		way->target = target->address;
		way->slot = found->slot->target;
		way->state = found->slot->state;
		return reset_by(target, node, packet);
	}
	if (give_away(found, hash->print.high >> 32, endpoint, &choice))
		return VERDICT_no_targets;
	way->target = choice.address;
	way->slot = choice.target;
	way->state = 0;
	return VERDICT_encapsulated;
}

static __always_inline int is_opening(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK)) == TCP_FLAG_BYTE_SYN;
}

/* What becomes of TCP in the middle of a flow that is not known. */
static __always_inline __u32 stray(const struct packet *packet, const struct node_config *node)
{
	if (node->flags & NODE_RESET_ON_IDLE && is_resettable(packet))
		return VERDICT_tcp_reset_unknown;
	return VERDICT_tcp_no_flow;
}

static __always_inline __u32 open_flow(const struct packet *packet, const struct flow_hash *hash, const struct node_config *node,
				       const struct endpoint_config *endpoint, struct flow_start *start, struct flow_ref *found)
{
	struct choice choice;

	if (flow_guard(start->now))
		return VERDICT_new_flow_limit;
	if (select_target(node, endpoint->node, hash->print.high >> 32, &choice))
		return VERDICT_no_targets;
	start->endpoint = endpoint->endpoint;
	start->port = endpoint->ifindex % PORTS;
	start->target = choice.target;
	start->target_generation = choice.generation;
	start->state |= chosen_state(node) | (node->stickiness == 5 ? 0 : FLOW_SHARED) |
			(hash->direction ? FLOW_TURNED : 0) | (packet->protocol == IPPROTO_TCP ? FLOW_TCP : 0);
	*found = flow_open(hash, start);
	if (!found->slot)
		return VERDICT_flow_table_full;
	return VERDICT_encapsulated;
}

static __always_inline __u32 begin(const struct packet *packet, const struct flow_hash *hash, const struct node_config *node,
				   const struct endpoint_config *endpoint, struct flow_start *start, struct flow_ref *found)
{
	struct node_counter *counter;
	__u32 verdict;

	if (packet->protocol == IPPROTO_TCP && !is_opening(packet)) {
		if (!(node->flags & NODE_ADOPT) || packet->quoted)
			return stray(packet, node);
		start->state |= FLOW_ADOPTED;
	}
	verdict = open_flow(packet, hash, node, endpoint, start, found);
	counter = bpf_map_lookup_elem(&node_counters, &endpoint->node);
	if (!counter)
		return verdict;
	if (verdict == VERDICT_encapsulated) {
		target_got_flow(start->target);
		counter->new_flows++;
		counter->adopted_flows += !!(start->state & FLOW_ADOPTED);
	} else {
		counter->rejected_flows++;
		counter->rejected_tcp_flows += packet->protocol == IPPROTO_TCP;
	}
	return verdict;
}

static __always_inline __u32 find_way(struct desk *desk, const struct counter *size, const struct node_config *node,
				      const struct endpoint_config *endpoint, struct way *way)
{
	struct flow_start start = {.now = flow_now(), .port = endpoint->ifindex % PORTS};
	const struct packet *packet = &desk->packet;
	struct flow_hash *hash = &desk->hash;
	struct flow_ref found;
	__u32 verdict;
	int begun;

	if (flow_hash(packet, endpoint->endpoint, node->stickiness, hash))
		return VERDICT_endpoint_not_configured;
	start.idle_s = packet->protocol == IPPROTO_TCP ? node->tcp_idle_s : node->other_idle_s;
	way->port = (__u16)(hash->print.high >> 16);
	found = flow_find(hash, start.now);
	begun = !found.slot || (is_opening(packet) && flow_is_closed(found.slot->state));
	if (begun) {
		verdict = begin(packet, hash, node, endpoint, &start, &found);
		if (verdict != VERDICT_encapsulated)
			return verdict;
	}
	verdict = follow(&found, hash, packet, node, endpoint, way);
	if (verdict != VERDICT_encapsulated) {
		if (verdict != VERDICT_no_targets)
			flow_forget(found.slot, hash);
		return verdict;
	}
	if (!flow_is_still(found.slot, hash, way->generation))
		return VERDICT_flow_table_full; /* it expired in this very moment, and another flow took its slot */
	if (!packet->quoted) /* anybody can send an error: it keeps no flow alive */
		flow_see(&found, hash, packet, &start);
	flow_count(&found, hash->direction ^ packet->quoted, size->packets, size->bytes);
	if (begun) /* last: an atomic addition after it would wait for its line of memory */
		flow_describe(found.index, packet, start.now);
	way->now = start.now;
	way->flow = found.index;
	return VERDICT_encapsulated;
}

/* The kernel keeps a packet marked as a tunnel's after its header was stripped, and will not push another with ENCAP flags: the second of
 * two endpoints in series meets such packets. The state it kept is that of a header of the same length at the same place, so pushing
 * the bytes alone makes it true again. Only IPv6 behind IPv4 needs its protocol told too, or the device takes the super-packet for IPv6
 * and drops it; stripping is what can tell it, so a little more is pushed first. */
static __always_inline long push_again(struct __sk_buff *skb, __u8 family)
{
	const __u32 more = 4;
	long error;

	if (family == 4)
		return bpf_skb_adjust_room(skb, ENCAP_LEN, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
	error = bpf_skb_adjust_room(skb, ENCAP_LEN + more, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
	return error ?: bpf_skb_adjust_room(skb, -(__s32)more, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO | DECAP_L3_IPV4);
}

static __always_inline long push(struct __sk_buff *skb, __u8 family)
{
	long error = bpf_skb_adjust_room(skb, ENCAP_LEN, BPF_ADJ_ROOM_MAC, ENCAP_FLAGS);

	return error == -EALREADY ? push_again(skb, family) : error;
}

static __always_inline __u32 encapsulate(struct __sk_buff *skb, struct desk *desk, const struct node_config *node,
					 const struct endpoint_config *endpoint, const struct way *way)
{
	const struct packet *packet = &desk->packet;
	struct tunnel_frame *frame = &desk->frame;
	const struct tunnel_ends ends = {
		.source = node->address,
		.destination = way->target,
		.port = way->port,
		.protocol = packet->family == 4 ? ETH_P_IP : ETH_P_IPV6,
		.endpoint = endpoint->endpoint,
		.cookie = way->cookie,
		.traffic_class = packet->traffic_class,
	};
	__u32 segment = segment_length(skb, packet) + ENCAP_LEN, mtu = 0;

	if (push(skb, packet->family))
		return VERDICT_encap_failed;
	__builtin_memcpy(frame->eth.h_dest, node->peer_mac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, node->mac, ETH_ALEN);
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	tunnel_fill(&frame->tunnel, packet->length, &ends);
	if (bpf_skb_store_bytes(skb, 0, &frame->eth, ETH_HLEN + ENCAP_LEN, 0))
		return VERDICT_encap_failed;
	if (segment > ANY_LINK && bpf_check_mtu(skb, node->ifindex, &mtu, 0, BPF_MTU_CHK_SEGS))
		return VERDICT_underlay_mtu_exceeded;
	return VERDICT_encapsulated;
}

static __always_inline __u32 carry(struct __sk_buff *skb, const struct counter *size, __u32 *out)
{
	__u32 ifindex = skb->ifindex;
	const struct endpoint_config *endpoint = endpoint_at(ifindex);
	const struct node_config *node;
	const __u32 zero = 0;
	struct desk *desk = bpf_map_lookup_elem(&desks, &zero);
	struct packet *packet;
	struct way way = {};
	__u32 verdict;
	__u8 family;

	if (!endpoint || !desk)
		return VERDICT_endpoint_not_configured;
	packet = &desk->packet;
	node = node_at(endpoint->node);
	if (!node)
		return VERDICT_endpoint_not_configured;
	if (skb->vlan_present || skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST)
		return VERDICT_endpoint_not_forwardable;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		family = 4;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		family = 6;
	else
		return VERDICT_endpoint_not_forwardable;
	if ((family == 6 || parse_plain(skb, ETH_HLEN, packet)) && parse_ip(skb, ETH_HLEN, family, packet))
		return VERDICT_endpoint_malformed;
	if (!is_forwardable(skb, packet))
		return VERDICT_endpoint_not_forwardable;
	if (family == 6 && !(endpoint->flags & ENDPOINT_DUALSTACK))
		return VERDICT_endpoint_ipv6_not_enabled;
	if (is_too_big(skb, packet)) {
		*out = ifindex;
		return node->flags & NODE_PMTUD && !pmtud_answer(skb, packet, endpoint) ? VERDICT_too_big_answered :
											   VERDICT_inner_too_big;
	}
	if (icmp_may_follow(packet))
		icmp_follow(skb, packet, endpoint->endpoint, node->stickiness);
	if (packet->fragment && fragment_ports(packet, endpoint->endpoint, node->stickiness))
		return VERDICT_fragment_no_flow;
	verdict = find_way(desk, size, node, endpoint, &way);
	if (verdict == VERDICT_tcp_reset_unknown || verdict == VERDICT_tcp_reset_unhealthy || verdict == VERDICT_tcp_reset_deregistered) {
		*out = ifindex;
		return tcp_reset(skb, packet) ? VERDICT_tcp_no_flow : verdict;
	}
	if (verdict != VERDICT_encapsulated)
		return verdict;
	/* What Ethernet padded is no part of the packet. */
	if (packet->length < skb->len - ETH_HLEN && bpf_skb_change_tail(skb, packet->length + ETH_HLEN, 0))
		return VERDICT_encap_failed;
	if (packet->protocol == IPPROTO_TCP && packet->tcp_flags & TCP_FLAG_BYTE_SYN && packet->fragment != LATER_FRAGMENT &&
	    !(node->flags & NODE_NO_MSS_CLAMPING) &&
	    clamp_mss(skb, packet->transport, family == 4 ? MSS_IPV4 : MSS_IPV6))
		return VERDICT_encap_failed;
	*out = node->ifindex;
	verdict = encapsulate(skb, desk, node, endpoint, &way);
	if (verdict == VERDICT_encapsulated)
		target_given(way.slot, way.flow, way.state, size->packets, way.now);
	return verdict;
}

SEC("tc")
int endpoint(struct __sk_buff *skb)
{
	const struct counter size = arrival(skb);
	__u32 out = 0;
	__u32 verdict = carry(skb, &size, &out);

	count_arrival(skb, &size, verdict);
	switch (verdict) {
	case VERDICT_encapsulated:
	case VERDICT_too_big_answered:
	case VERDICT_tcp_reset_unknown:
	case VERDICT_tcp_reset_unhealthy:
	case VERDICT_tcp_reset_deregistered:
		return bpf_redirect(out, 0);
	default:
		return TC_ACT_SHOT;
	}
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
