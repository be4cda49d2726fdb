// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What targets return: tcx ingress of a node's port in the load balancer's box. Before it the provider VPC's router, after it the
 * endpoint that the packet came by, which it leaves toward the consumer VPC's router.
 *
 * A return has to prove that it belongs to a flow, by the cookie, and comes from the target that the flow was given to. The inner
 * packet leaves byte for byte as the target returned it. Everything else on this port belongs to the box's own stack.
 *
 * Nearly every return has the very header that endpoint.bpf.c wrote, with the addresses swapped: read_plain() compares it where it is.
 * What differs in any way that is allowed, or not, is read piece by piece.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#define ORDINARY VERDICT_decapsulated
#include "lib/config.h"
#include "lib/count.h"
#include "lib/ecn.h"
#include "lib/flow.h"
#include "lib/fragment.h"
#include "lib/geneve.h"
#include "lib/icmp.h"
#include "lib/parse.h"
#include "lib/select.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

/* linux/icmp.h needs headers of the C library that are not there for this target. */
#define ICMP_UNREACHABLE 3
#define ICMP_PROTOCOL_UNREACHABLE 2
#define ICMP_PORT_UNREACHABLE 3
#define OUTER_LENGTH (sizeof(struct iphdr) + sizeof(struct udphdr) + sizeof(struct geneve_base))
#define ANY_LINK 1500 /* only larger packets are held against the link's MTU: asking costs 20 ns, and no link of ours takes less */

/* A return, as far as it was read. */
struct returned {
	__be32 source;
	__be16 protocol; /* EtherType of the inner packet */
	__u8 traffic_class;
	__u8 family;
	__u32 header; /* bytes to strip */
	__u32 slot;   /* of the target */
	struct geneve_said said;
	struct flow_slot *flow;
	__u64 now;
};

/* The inner packet, which the stack has no room for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} inners SEC(".maps");

static __always_inline int family_of(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_IP) ? 4 : protocol == bpf_htons(ETH_P_IPV6) ? 6 : 0;
}

static __always_inline __u32 option_word(__u8 type, __u8 words)
{
	return bpf_htonl(AWS_OPTION_CLASS << 16 | type << 8 | words);
}

/* 0 when the header is the one that we write, -1 for the pieces to be looked at. */
static __always_inline int read_plain(struct __sk_buff *skb, const struct node_config *node, struct returned *back)
{
	const struct tunnel *outer = packet_at(skb, ETH_HLEN, sizeof(*outer));
	__u32 length = skb->len - ETH_HLEN;

	if (!outer || skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present || *(const __u8 *)&outer->ip != (4 << 4 | 5) || outer->ip.protocol != IPPROTO_UDP ||
	    outer->udp.dest != bpf_htons(GENEVE_PORT) || outer->ip.frag_off & bpf_htons(IP4_FRAGMENT_OFFSET | IP4_MORE_FRAGMENTS) ||
	    outer->ip.tot_len != bpf_htons(length) || outer->udp.len != bpf_htons(length - sizeof(outer->ip)) || length > 0xffff ||
	    outer->ip.daddr != node->address || outer->geneve.version_length != GENEVE_OPTIONS / 4 ||
	    *(const __u32 *)&outer->endpoint_option != option_word(AWS_OPTION_ENDPOINT, 2) ||
	    *(const __u32 *)&outer->attachment_option != option_word(AWS_OPTION_ATTACHMENT, 2) ||
	    *(const __u32 *)&outer->cookie_option != option_word(AWS_OPTION_COOKIE, 1))
		return -1;
	back->source = outer->ip.saddr;
	back->protocol = outer->geneve.protocol;
	back->traffic_class = outer->ip.tos;
	back->family = family_of(back->protocol);
	back->header = ENCAP_LEN;
	back->said.endpoint = (__u64)bpf_ntohl(outer->endpoint[0]) << 32 | bpf_ntohl(outer->endpoint[1]);
	back->said.cookie = bpf_ntohl(outer->cookie);
	back->said.has_endpoint = back->said.has_attachment = back->said.has_cookie = 1;
	return back->family && length > ENCAP_LEN ? 0 : -1;
}

struct outer {
	struct iphdr ip;
	struct udphdr udp;
	struct geneve_base geneve;
};

static __always_inline int is_geneve(struct __sk_buff *skb, struct outer *outer)
{
	__u32 udp;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present || packet_load(skb, ETH_HLEN, &outer->ip, sizeof(outer->ip)) ||
	    outer->ip.protocol != IPPROTO_UDP)
		return 0;
	if (outer->ip.frag_off & bpf_htons(IP4_FRAGMENT_OFFSET))
		return 1; /* of what no one can tell: nothing else that we ask for in UDP comes in fragments */
	udp = ETH_HLEN + outer->ip.ihl * 4;
	return !packet_load(skb, udp, &outer->udp, sizeof(outer->udp)) && outer->udp.dest == bpf_htons(GENEVE_PORT);
}

/* The outer headers. decapsulated when there is nothing against them. */
static __always_inline __u32 check_outer(struct __sk_buff *skb, const struct node_config *node, struct outer *outer,
					 struct returned *back)
{
	__u32 length = skb->len - ETH_HLEN;

	if (outer->ip.frag_off & bpf_htons(IP4_FRAGMENT_OFFSET | IP4_MORE_FRAGMENTS))
		return VERDICT_return_fragment;
	if (outer->ip.version != 4 || outer->ip.ihl != 5 || bpf_ntohs(outer->ip.tot_len) != length ||
	    bpf_ntohs(outer->udp.len) != length - sizeof(outer->ip))
		return VERDICT_return_bad_outer;
	if (outer->ip.daddr != node->address)
		return VERDICT_return_wrong_node;
	if (packet_load(skb, ETH_HLEN + sizeof(outer->ip) + sizeof(outer->udp), &outer->geneve, sizeof(outer->geneve)))
		return VERDICT_return_bad_geneve;
	back->source = outer->ip.saddr;
	back->protocol = outer->geneve.protocol;
	back->traffic_class = outer->ip.tos;
	back->family = family_of(back->protocol);
	back->header = OUTER_LENGTH + (outer->geneve.version_length & 0x3f) * 4;
	if (outer->geneve.version_length >> 6 || back->header >= length || !back->family)
		return VERDICT_return_bad_geneve;
	if (geneve_options(skb, ETH_HLEN + OUTER_LENGTH, back->header - OUTER_LENGTH, &back->said))
		return VERDICT_return_bad_geneve;
	return VERDICT_decapsulated;
}

/* An ICMP error of a target's host: nobody takes its GENEVE. It quotes a packet of ours, whose cookie says which of the targets with this
 * address is meant; so a host can say it of itself only, and of flows that it was given. The error goes on to the box's own stack. */
static __noinline void hear_refusal(struct __sk_buff *skb, const struct iphdr *ip)
{
	struct target_counter *counter;
	const struct target_config *target;
	struct flow_slot *flow;
	__u8 icmp[8];
	struct tunnel quoted;
	__u64 now;
	__u32 slot;

	if (ip->ihl != 5 || bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip), &icmp, sizeof(icmp)) ||
	    icmp[0] != ICMP_UNREACHABLE || (icmp[1] != ICMP_PORT_UNREACHABLE && icmp[1] != ICMP_PROTOCOL_UNREACHABLE))
		return;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip) + sizeof(icmp), &quoted, sizeof(quoted)) ||
	    quoted.ip.daddr != ip->saddr || quoted.ip.protocol != IPPROTO_UDP || quoted.udp.dest != bpf_htons(GENEVE_PORT))
		return;
	now = flow_now();
	flow = flow_by_cookie(bpf_ntohl(quoted.cookie), now);
	if (!flow)
		return;
	slot = *(volatile __u16 *)&flow->target;
	target = target_still(slot, *(volatile __u32 *)&flow->target_generation);
	counter = bpf_map_lookup_elem(&target_counters, &slot);
	if (!target || target->address != ip->saddr || !counter)
		return;
	counter->refused++;
	counter->last_refused_ns = now;
}

/* Everything before the inner packet, of what is no plain return. not_geneve is for the stack. */
static __always_inline __u32 read_pieces(struct __sk_buff *skb, const struct node_config *node, struct returned *back)
{
	struct outer outer = {};

	if (!is_geneve(skb, &outer)) {
		if (outer.ip.protocol == IPPROTO_ICMP)
			hear_refusal(skb, &outer.ip);
		return VERDICT_not_geneve;
	}
	return node ? check_outer(skb, node, &outer, back) : VERDICT_target_not_configured;
}

static __always_inline __u32 refused(const struct returned *back, __u32 verdict)
{
	__be32 source = back->source;

	return bpf_map_lookup_elem(&target_addresses, &source) ? verdict : VERDICT_return_unknown_target;
}

/* The endpoint that the option names. A flow remembers the place of its own. */
static __always_inline const struct endpoint_config *named_endpoint(const struct returned *back)
{
	const struct endpoint_config *endpoint;

	if (!back->said.has_endpoint)
		return NULL;
	endpoint = back->flow ? endpoint_in(back->flow->port) : NULL;
	return endpoint && endpoint->endpoint == back->said.endpoint ? endpoint : endpoint_by_id(back->said.endpoint);
}

/* That the cookie's flow is this endpoint's, and was given to this sender. */
static __always_inline __u32 check_flow(struct returned *back)
{
	const struct target_config *target;

	if (!back->said.has_cookie || !(back->said.cookie >> FLOW_INDEX_BITS_MIN)) /* the generation is never 0 */
		return refused(back, VERDICT_return_bad_cookie);
	if (!back->flow)
		return refused(back, VERDICT_return_no_flow);
	if (*(volatile __u64 *)&back->flow->endpoint != back->said.endpoint)
		return refused(back, VERDICT_return_bad_cookie);
	back->slot = *(volatile __u16 *)&back->flow->target;
	target = target_still(back->slot, *(volatile __u32 *)&back->flow->target_generation);
	if (!target || target->address != back->source)
		return refused(back, VERDICT_return_wrong_target);
	return VERDICT_decapsulated;
}

/* Whose the inner packet is, by all that is known of fragments and errors; its flow's hash in `hash`. 1 when such a flow lives, 0 when none
 * does, -1 when it cannot be told. Global, so that the verifier looks at it once. */
__noinline int owner(struct __sk_buff *skb, struct packet *inner, __u64 endpoint, __u32 stickiness, struct flow_hash *hash)
{
	if (!inner || !hash)
		return -1;
	__builtin_memset(hash, 0, sizeof(*hash));
	if (icmp_may_follow(inner))
		icmp_follow(skb, inner, endpoint, stickiness);
	if (inner->fragment && fragment_ports(inner, endpoint, stickiness))
		return -1;
	if (flow_hash(inner, endpoint, stickiness, hash))
		return -1;
	return flow_find(hash, flow_now()).slot != NULL;
}

/* That the inner packet is the cookie's flow's: one tunnel may carry another flow's packets no more than its own with new addresses may
 * pass for unchanged. */
static __always_inline __u32 check_tuple(struct __sk_buff *skb, const struct returned *back, struct packet *inner, __u32 stickiness)
{
	struct flow_hash hash;
	int found;

	if (flow_tuple_sum(inner, stickiness) == *(volatile __u32 *)&back->flow->tuple_sum)
		return VERDICT_decapsulated;
	found = owner(skb, inner, back->said.endpoint, stickiness, &hash);
	if (found > 0 && *(volatile __u64 *)&back->flow->tag == flow_tag(&hash) && back->flow->fingerprint == flow_fingerprint(&hash))
		return VERDICT_decapsulated;
	return found > 0 ? VERDICT_return_bad_cookie : VERDICT_decapsulated_changed;
}

static __always_inline __u32 check_inner(struct __sk_buff *skb, const struct returned *back, const struct endpoint_config *endpoint,
					 const struct node_config *node)
{
	__u32 at = ETH_HLEN + back->header, verdict;
	const __u32 zero = 0;
	struct packet *inner = bpf_map_lookup_elem(&inners, &zero);

	if (!inner)
		return VERDICT_decap_failed;
	if ((back->protocol != bpf_htons(ETH_P_IP) || at != ETH_HLEN + ENCAP_LEN || parse_plain(skb, ETH_HLEN + ENCAP_LEN, inner)) &&
	    parse_ip(skb, at, back->family, inner))
		return VERDICT_return_bad_inner;
	if (inner->length != skb->len - at)
		return VERDICT_return_bad_inner;
	if (back->family == 6 && !(endpoint->flags & ENDPOINT_DUALSTACK))
		return VERDICT_return_bad_inner;
	if (segment_length(skb, inner) > INNER_MTU)
		return VERDICT_return_too_big;
	verdict = check_tuple(skb, back, inner, node->stickiness);
	if (verdict != VERDICT_return_bad_cookie && ecn_decapsulate(skb, at, inner, back->traffic_class))
		return VERDICT_return_congestion_mark;
	return verdict;
}

static __always_inline int is_passed(__u32 verdict)
{
	return verdict == VERDICT_decapsulated || verdict == VERDICT_decapsulated_changed;
}

/* decapsulated, or why not. */
static __always_inline __u32 decapsulate(struct __sk_buff *skb, const struct returned *back, const struct endpoint_config *endpoint)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | (back->family == 4 ? DECAP_L3_IPV4 : DECAP_L3_IPV6);
	struct ethhdr eth = {.h_proto = back->protocol};
	__u32 mtu = 0;

	if (bpf_skb_adjust_room(skb, -(__s32)back->header, BPF_ADJ_ROOM_MAC, flags))
		return VERDICT_decap_failed;
	__builtin_memcpy(eth.h_dest, endpoint->peer_mac, ETH_ALEN);
	__builtin_memcpy(eth.h_source, endpoint->mac, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0))
		return VERDICT_decap_failed;
	if (skb->len > ETH_HLEN + ANY_LINK && bpf_check_mtu(skb, endpoint->ifindex, &mtu, 0, BPF_MTU_CHK_SEGS))
		return VERDICT_return_mtu_exceeded;
	return VERDICT_decapsulated;
}

static __always_inline __u32 take(struct __sk_buff *skb, const struct counter *size, __u32 *out)
{
	const struct node_port *port = node_port_at(skb->ifindex);
	const struct node_config *node = port ? node_at(port->slot) : NULL;
	const struct endpoint_config *endpoint;
	struct returned back = {};
	__u32 verdict, done;

	if (!node || read_plain(skb, node, &back)) {
		verdict = read_pieces(skb, node, &back);
		if (verdict != VERDICT_decapsulated)
			return verdict;
	}
	back.now = flow_now();
	back.flow = back.said.has_cookie ? flow_by_cookie(back.said.cookie, back.now) : NULL;
	endpoint = named_endpoint(&back);
	if (!endpoint || !port || endpoint->node != port->slot)
		return VERDICT_return_unknown_endpoint;
	verdict = check_flow(&back);
	if (verdict != VERDICT_decapsulated)
		return verdict;
	if (!back.said.has_attachment || !node)
		return VERDICT_return_bad_geneve;
	verdict = check_inner(skb, &back, endpoint, node);
	if (!is_passed(verdict))
		return verdict;
	*out = endpoint->ifindex;
	done = decapsulate(skb, &back, endpoint);
	if (done != VERDICT_decapsulated)
		return done;
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
	if (is_passed(verdict))
		return bpf_redirect(out, 0);
	return verdict == VERDICT_not_geneve ? TC_ACT_OK : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
