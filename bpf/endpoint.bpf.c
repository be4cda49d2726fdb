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

#include "lib/config.h"
#include "lib/count.h"
#include "lib/csum.h"
#include "lib/flow.h"
#include "lib/fragment.h"
#include "lib/geneve.h"
#include "lib/ipv4.h"
#include "lib/parse.h"
#include "lib/select.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

#define MSS_IPV4 (INNER_MTU - 40)
#define MSS_IPV6 (INNER_MTU - 60)
#define OUTER_MAX 65535
#define EALREADY 114

#define ENCAP_FLAGS (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP)

/* What the packet's flow says about its way. */
struct way {
	__be32 target;
	__u32 cookie;
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
	if (packet->length + ENCAP_LEN > OUTER_MAX)
		return 1;
	if (skb->gso_size)
		return packet->shared + skb->gso_size > INNER_MTU;
	return packet->length > INNER_MTU;
}

/* A known flow's way. encapsulated, no_targets, or endpoint_not_configured when the slot changed hands while it was read. */
static __always_inline __u32 follow(struct flow_ref found, const struct flow_hash *hash, const struct node_config *node,
				    const struct endpoint_config *endpoint, struct way *way)
{
	struct choice choice;
	__u32 generation = found.slot->generation;
	__u32 target = found.slot->target;

	way->cookie = flow_cookie(found.index, generation);
	if (target_still(target, found.slot->target_generation, &way->target))
		return VERDICT_encapsulated;
	if (select_target(node, endpoint->node, hash->print.high >> 32, &choice))
		return VERDICT_no_targets;
	flow_assign(found.slot, choice.target, choice.generation);
	way->target = choice.address;
	return VERDICT_encapsulated;
}

static __always_inline __u32 begin(const struct packet *packet, const struct flow_hash *hash, const struct node_config *node,
				   const struct endpoint_config *endpoint, struct flow_start *start, struct flow_ref *found)
{
	struct choice choice;

	if (packet->protocol == IPPROTO_TCP && (packet->tcp_flags & (TCP_FLAG_BYTE_SYN | TCP_FLAG_BYTE_ACK)) != TCP_FLAG_BYTE_SYN)
		return VERDICT_tcp_no_flow;
	if (select_target(node, endpoint->node, hash->print.high >> 32, &choice))
		return VERDICT_no_targets;
	start->endpoint = endpoint->endpoint;
	start->target = choice.target;
	start->target_generation = choice.generation;
	*found = flow_open(hash, start);
	if (!found->slot)
		return VERDICT_flow_table_full;
	flow_describe(found->index, packet);
	return VERDICT_encapsulated;
}

static __always_inline __u32 find_way(const struct packet *packet, const struct counter *size, const struct node_config *node,
				      const struct endpoint_config *endpoint, struct way *way)
{
	struct flow_start start = {.now = bpf_ktime_get_coarse_ns()};
	struct flow_hash hash;
	struct flow_ref found;
	__u32 verdict;

	if (flow_hash(packet, endpoint->endpoint, &hash))
		return VERDICT_endpoint_not_configured;
	start.idle_s = packet->protocol == IPPROTO_TCP ? node->tcp_idle_s : node->other_idle_s;
	way->port = (__u16)(hash.print.high >> 16);
	found = flow_find(&hash, start.now);
	if (!found.slot) {
		verdict = begin(packet, &hash, node, endpoint, &start, &found);
		if (verdict != VERDICT_encapsulated)
			return verdict;
	}
	verdict = follow(found, &hash, node, endpoint, way);
	if (verdict != VERDICT_encapsulated)
		return verdict;
	if (!flow_is_still(found.slot, &hash, way->cookie >> FLOW_COOKIE_INDEX_BITS))
		return VERDICT_flow_table_full; /* it expired in this very moment, and another flow took its slot */
	found.slot->last_seen_ns = start.now;
	found.slot->idle_s = start.idle_s;
	__sync_fetch_and_add(&found.slot->packets, size->packets);
	__sync_fetch_and_add(&found.slot->bytes, size->bytes);
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

static __always_inline __u32 encapsulate(struct __sk_buff *skb, const struct packet *packet, const struct node_config *node,
					 const struct endpoint_config *endpoint, const struct way *way)
{
	const struct tunnel_ends ends = {
		.source = node->address,
		.destination = way->target,
		.port = way->port,
		.protocol = packet->family == 4 ? ETH_P_IP : ETH_P_IPV6,
		.endpoint = endpoint->endpoint,
		.cookie = way->cookie,
	};
	struct ethhdr eth = {.h_proto = bpf_htons(ETH_P_IP)};
	struct tunnel tunnel;
	__u32 mtu = 0;

	if (push(skb, packet->family))
		return VERDICT_encap_failed;
	__builtin_memcpy(eth.h_dest, node->peer_mac, ETH_ALEN);
	__builtin_memcpy(eth.h_source, node->mac, ETH_ALEN);
	tunnel_fill(&tunnel, packet->length, &ends);
	if (bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0) || bpf_skb_store_bytes(skb, ETH_HLEN, &tunnel, sizeof(tunnel), 0))
		return VERDICT_encap_failed;
	if (bpf_check_mtu(skb, node->ifindex, &mtu, 0, BPF_MTU_CHK_SEGS))
		return VERDICT_underlay_mtu_exceeded;
	return VERDICT_encapsulated;
}

static __always_inline __u32 carry(struct __sk_buff *skb, const struct counter *size, __u32 *out)
{
	__u32 ifindex = skb->ifindex;
	const struct endpoint_config *endpoint = bpf_map_lookup_elem(&endpoints, &ifindex);
	const struct node_config *node;
	struct packet packet;
	struct way way = {};
	__u32 verdict;
	__u8 family;

	if (!endpoint)
		return VERDICT_endpoint_not_configured;
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
	if (parse_ip(skb, ETH_HLEN, family, &packet))
		return VERDICT_endpoint_malformed;
	if (!is_forwardable(skb, &packet))
		return VERDICT_endpoint_not_forwardable;
	if (family == 6 && !(endpoint->flags & ENDPOINT_DUALSTACK))
		return VERDICT_endpoint_ipv6_not_enabled;
	if (is_too_big(skb, &packet))
		return VERDICT_inner_too_big;
	if (packet.fragment && fragment_ports(&packet, endpoint->endpoint))
		return VERDICT_fragment_no_flow;
	verdict = find_way(&packet, size, node, endpoint, &way);
	if (verdict != VERDICT_encapsulated)
		return verdict;
	/* What Ethernet padded is no part of the packet. */
	if (packet.length < skb->len - ETH_HLEN && bpf_skb_change_tail(skb, packet.length + ETH_HLEN, 0))
		return VERDICT_encap_failed;
	if (packet.protocol == IPPROTO_TCP && packet.tcp_flags & TCP_FLAG_BYTE_SYN && packet.fragment != LATER_FRAGMENT &&
	    clamp_mss(skb, packet.transport, family == 4 ? MSS_IPV4 : MSS_IPV6))
		return VERDICT_encap_failed;
	*out = node->ifindex;
	return encapsulate(skb, &packet, node, endpoint, &way);
}

SEC("tc")
int endpoint(struct __sk_buff *skb)
{
	const struct counter size = arrival(skb);
	__u32 out = 0;
	__u32 verdict = carry(skb, &size, &out);

	count_arrival(skb, &size, verdict);
	return verdict == VERDICT_encapsulated ? bpf_redirect(out, 0) : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
