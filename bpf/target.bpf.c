// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What targets return: tcx ingress of a node's port in the load balancer's box. Before it the provider VPC's router, after it the
 * endpoint that the packet came by, which it leaves toward the consumer VPC's router.
 *
 * A return has to prove that it belongs to a flow, by the cookie, and comes from the target that the flow was given to. The inner
 * packet leaves byte for byte as the target returned it. Everything else on this port belongs to the box's own stack.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include "lib/config.h"
#include "lib/count.h"
#include "lib/ecn.h"
#include "lib/flow.h"
#include "lib/geneve.h"
#include "lib/parse.h"
#include "lib/select.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

/* linux/icmp.h needs headers of the C library that are not there for this target. */
#define ICMP_UNREACHABLE 3
#define ICMP_PROTOCOL_UNREACHABLE 2
#define ICMP_PORT_UNREACHABLE 3
#define OUTER_LENGTH (sizeof(struct iphdr) + sizeof(struct udphdr) + sizeof(struct geneve_base))

/* A return, as far as it was read. */
struct returned {
	struct iphdr ip;
	struct udphdr udp;
	struct geneve_base geneve;
	__u32 header; /* bytes to strip */
	__u8 family;
	struct flow_slot *flow;
	__u32 slot; /* of the target */
	__u64 now;
};

static __always_inline int is_geneve(struct __sk_buff *skb, struct returned *back)
{
	__u32 udp;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present || bpf_skb_load_bytes(skb, ETH_HLEN, &back->ip, sizeof(back->ip)) ||
	    back->ip.protocol != IPPROTO_UDP)
		return 0;
	if (back->ip.frag_off & bpf_htons(IP4_FRAGMENT_OFFSET))
		return 1; /* of what no one can tell: nothing else that we ask for in UDP comes in fragments */
	udp = ETH_HLEN + back->ip.ihl * 4;
	return !bpf_skb_load_bytes(skb, udp, &back->udp, sizeof(back->udp)) && back->udp.dest == bpf_htons(GENEVE_PORT);
}

/* The outer headers. decapsulated when there is nothing against them. */
static __always_inline __u32 check_outer(struct __sk_buff *skb, const struct node_config *node, struct returned *back)
{
	__u32 length = skb->len - ETH_HLEN;

	if (back->ip.frag_off & bpf_htons(IP4_FRAGMENT_OFFSET | IP4_MORE_FRAGMENTS))
		return VERDICT_return_fragment;
	if (back->ip.version != 4 || back->ip.ihl != 5 || bpf_ntohs(back->ip.tot_len) != length ||
	    bpf_ntohs(back->udp.len) != length - sizeof(back->ip))
		return VERDICT_return_bad_outer;
	if (back->ip.daddr != node->address)
		return VERDICT_return_wrong_node;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(back->ip) + sizeof(back->udp), &back->geneve, sizeof(back->geneve)))
		return VERDICT_return_bad_geneve;
	back->header = OUTER_LENGTH + (back->geneve.version_length & 0x3f) * 4;
	if (back->geneve.version_length >> 6 || back->header >= length)
		return VERDICT_return_bad_geneve;
	if (back->geneve.protocol == bpf_htons(ETH_P_IP))
		back->family = 4;
	else if (back->geneve.protocol == bpf_htons(ETH_P_IPV6))
		back->family = 6;
	else
		return VERDICT_return_bad_geneve;
	return VERDICT_decapsulated;
}

static __always_inline __u32 refused(const struct returned *back, __u32 verdict)
{
	__be32 source = back->ip.saddr;

	return bpf_map_lookup_elem(&target_addresses, &source) ? verdict : VERDICT_return_unknown_target;
}

/* That the cookie's flow is this endpoint's, and was given to this sender. */
static __always_inline __u32 check_flow(const struct geneve_said *said, struct returned *back)
{
	struct flow_slot *slot;
	const struct target_config *target;

	if (!said->has_cookie || !(said->cookie >> FLOW_INDEX_BITS_MIN)) /* the generation is never 0 */
		return refused(back, VERDICT_return_bad_cookie);
	back->now = bpf_ktime_get_coarse_ns();
	slot = flow_by_cookie(said->cookie, back->now);
	if (!slot)
		return refused(back, VERDICT_return_no_flow);
	if (*(volatile __u64 *)&slot->endpoint != said->endpoint)
		return refused(back, VERDICT_return_bad_cookie);
	back->flow = slot;
	back->slot = *(volatile __u32 *)&slot->target;
	target = target_still(back->slot, *(volatile __u32 *)&slot->target_generation);
	if (!target || target->address != back->ip.saddr)
		return refused(back, VERDICT_return_wrong_target);
	return VERDICT_decapsulated;
}

/* An ICMP error of a target's host: nobody takes its GENEVE. It quotes a packet of ours, whose cookie says which of the targets with this
 * address is meant; so a host can say it of itself only, and of flows that it was given. The error goes on to the box's own stack. */
static __always_inline void hear_refusal(struct __sk_buff *skb, const struct returned *back)
{
	struct target_counter *counter;
	const struct target_config *target;
	struct flow_slot *flow;
	__u8 icmp[8];
	struct tunnel quoted;
	__u64 now;
	__u32 slot;

	if (back->ip.ihl != 5 || bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(back->ip), &icmp, sizeof(icmp)) ||
	    icmp[0] != ICMP_UNREACHABLE || (icmp[1] != ICMP_PORT_UNREACHABLE && icmp[1] != ICMP_PROTOCOL_UNREACHABLE))
		return;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(back->ip) + sizeof(icmp), &quoted, sizeof(quoted)) ||
	    quoted.ip.daddr != back->ip.saddr || quoted.ip.protocol != IPPROTO_UDP || quoted.udp.dest != bpf_htons(GENEVE_PORT))
		return;
	now = bpf_ktime_get_coarse_ns();
	flow = flow_by_cookie(bpf_ntohl(quoted.cookie), now);
	if (!flow)
		return;
	slot = *(volatile __u32 *)&flow->target;
	target = target_still(slot, *(volatile __u32 *)&flow->target_generation);
	counter = bpf_map_lookup_elem(&target_counters, &slot);
	if (!target || target->address != back->ip.saddr || !counter)
		return;
	counter->refused++;
	counter->last_refused_ns = now;
}

static __always_inline __u32 check_inner(struct __sk_buff *skb, const struct returned *back, const struct endpoint_config *endpoint)
{
	__u32 at = ETH_HLEN + back->header;
	struct packet inner;

	if (parse_ip(skb, at, back->family, &inner) || inner.length != skb->len - at)
		return VERDICT_return_bad_inner;
	if (back->family == 6 && !(endpoint->flags & ENDPOINT_DUALSTACK))
		return VERDICT_return_bad_inner;
	if (segment_length(skb, &inner) > INNER_MTU)
		return VERDICT_return_too_big;
	if (ecn_decapsulate(skb, at, &inner, back->ip.tos))
		return VERDICT_return_congestion_mark;
	return VERDICT_decapsulated;
}

static __always_inline __u32 decapsulate(struct __sk_buff *skb, const struct returned *back, const struct endpoint_config *endpoint,
					 __u32 out)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | (back->family == 4 ? DECAP_L3_IPV4 : DECAP_L3_IPV6);
	struct ethhdr eth = {.h_proto = back->geneve.protocol};
	__u32 mtu = 0;

	if (bpf_skb_adjust_room(skb, -(__s32)back->header, BPF_ADJ_ROOM_MAC, flags))
		return VERDICT_decap_failed;
	__builtin_memcpy(eth.h_dest, endpoint->peer_mac, ETH_ALEN);
	__builtin_memcpy(eth.h_source, endpoint->mac, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0))
		return VERDICT_decap_failed;
	if (bpf_check_mtu(skb, out, &mtu, 0, BPF_MTU_CHK_SEGS))
		return VERDICT_return_mtu_exceeded;
	return VERDICT_decapsulated;
}

static __always_inline __u32 take(struct __sk_buff *skb, const struct counter *size, __u32 *out)
{
	__u32 ifindex = skb->ifindex, verdict;
	const struct endpoint_config *endpoint;
	const struct node_config *node;
	struct returned back = {};
	struct geneve_said said;
	const __u32 *slot, *port;

	if (!is_geneve(skb, &back)) {
		if (back.ip.protocol == IPPROTO_ICMP)
			hear_refusal(skb, &back);
		return VERDICT_not_geneve;
	}
	slot = bpf_map_lookup_elem(&node_ports, &ifindex);
	node = slot ? node_at(*slot) : NULL;
	if (!node)
		return VERDICT_target_not_configured;
	verdict = check_outer(skb, node, &back);
	if (verdict != VERDICT_decapsulated)
		return verdict;
	if (geneve_options(skb, ETH_HLEN + OUTER_LENGTH, back.header - OUTER_LENGTH, &said))
		return VERDICT_return_bad_geneve;
	port = said.has_endpoint ? bpf_map_lookup_elem(&endpoint_ports, &said.endpoint) : NULL;
	endpoint = port ? bpf_map_lookup_elem(&endpoints, port) : NULL;
	if (!endpoint || endpoint->node != *slot)
		return VERDICT_return_unknown_endpoint;
	verdict = check_flow(&said, &back);
	if (verdict != VERDICT_decapsulated)
		return verdict;
	if (!said.has_attachment)
		return VERDICT_return_bad_geneve;
	verdict = check_inner(skb, &back, endpoint);
	if (verdict != VERDICT_decapsulated)
		return verdict;
	*out = *port;
	verdict = decapsulate(skb, &back, endpoint, *port);
	if (verdict == VERDICT_decapsulated)
		target_returned(back.slot, back.flow, size->packets, back.now);
	return verdict;
}

SEC("tc")
int target(struct __sk_buff *skb)
{
	const struct counter size = arrival(skb);
	__u32 out = 0;
	__u32 verdict = take(skb, &size, &out);

	count_arrival(skb, &size, verdict);
	switch (verdict) {
	case VERDICT_decapsulated:
		return bpf_redirect(out, 0);
	case VERDICT_not_geneve:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
