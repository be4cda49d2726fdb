// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The VPC router: tcx ingress of every port of a VPC's box, before it the box at the other end, after it the port it leaves by.
 *
 * The kernel's routing tables decide, this program only picks the table: one look-up in the port's route table, where `throw` stands
 * for AWS's local route, then one in the VPC's delivery table of host routes. Forwarded packets never enter the kernel's stack.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#define ORDINARY VERDICT_eni_forwarded
#include "lib/arp.h"
#include "lib/count.h"
#include "lib/fib.h"
#include "lib/flow_log.h"
#include "lib/ipv4.h"
#include "lib/ipv6.h"
#include "lib/judgement.h"
#include "lib/nd.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct eni_config);
} enis SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct eni_address);
	__type(value, struct eni_guard);
} eni_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct eni_address6);
	__type(value, __u8);
} eni_addresses6 SEC(".maps");

/* NULL for a port that is not configured. */
static __always_inline const struct eni_config *eni_at(__u32 ifindex)
{
	const __u32 place = ifindex % PORTS;
	const struct eni_config *port = bpf_map_lookup_elem(&enis, &place);

	return port && port->ifindex == ifindex ? port : NULL;
}

static __always_inline int holds(const struct eni_config *port, __be32 address)
{
	struct eni_address key = {.ifindex = port->ifindex, .address = address};

	return (address && address == port->address) || bpf_map_lookup_elem(&eni_addresses, &key) != NULL;
}

/* What guards an address: behind an uplink each is an interface of its own. */
static __always_inline const struct eni_guard *guard_behind(const struct eni_config *port, __be32 address)
{
	struct eni_address key = {.ifindex = port->ifindex, .address = address};
	const struct eni_guard *guard = NULL;

	if (port->role == ENI_ROLE_UPLINK)
		guard = bpf_map_lookup_elem(&eni_addresses, &key);
	return guard ?: &port->guard;
}

static __always_inline int holds6(__u32 ifindex, const struct in6_addr *address)
{
	struct eni_address6 key = {.ifindex = ifindex};

	__builtin_memcpy(key.address, address, sizeof(key.address));
	return bpf_map_lookup_elem(&eni_addresses6, &key) != NULL;
}

static __always_inline int checked(const struct eni_config *port)
{
	return (port->role == ENI_ROLE_ENI || port->role == ENI_ROLE_UPLINK) && port->flags & ENI_SOURCE_DEST_CHECK;
}

static __always_inline int drop(struct __sk_buff *skb, __u32 verdict)
{
	count(skb, verdict);
	return TC_ACT_SHOT;
}

/* The mark chooses the same route table in the stack, for whatever it answers. */
static __always_inline int to_stack(struct __sk_buff *skb, const struct eni_config *port, __u32 verdict)
{
	count(skb, verdict);
	skb->mark = port->table;
	return TC_ACT_OK;
}

/* The router itself has the first address of each subnet. */
static __always_inline int is_routers_own(const struct eni_config *port, __be32 address)
{
	return (address & port->mask) == port->subnet && bpf_ntohl(address) == bpf_ntohl(port->subnet) + 1;
}

/* Behind an uplink there is a wire with hosts of its own on it, which answer for themselves: the router speaks only for addresses that are
 * on its other sides. */
static __always_inline int leads_elsewhere(struct __sk_buff *skb, const struct eni_config *port, __be32 address)
{
	__u32 out = 0;

	return fib_ask_address(skb, address, port->delivery, &out) == BPF_FIB_LKUP_RET_SUCCESS && out != skb->ifindex;
}

/* Every address of the subnet has the router's MAC, as in AWS, where the network and not the neighbour answers. Not the asker's own:
 * hosts probe for duplicates of it. */
static __noinline int answer_arp(struct __sk_buff *skb, const struct eni_config *port)
{
	struct arp_frame *frame;
	__be32 asked;

	if (skb->data + sizeof(*frame) > skb->data_end)
		bpf_skb_pull_data(skb, sizeof(*frame)); /* a failure shows in the next lines */
	frame = (void *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return drop(skb, VERDICT_arp_unanswered);
	if (port->role == ENI_ROLE_UPLINK && arp_tells(frame))
		return to_stack(skb, port, VERDICT_to_router);
	if (!arp_is_request(frame))
		return drop(skb, VERDICT_arp_unanswered);
	__builtin_memcpy(&asked, frame->target, sizeof(asked));
	if ((asked & port->mask) != port->subnet || holds(port, asked))
		return drop(skb, VERDICT_arp_unanswered);
	if (port->role == ENI_ROLE_UPLINK && !is_routers_own(port, asked) && !leads_elsewhere(skb, port, asked))
		return drop(skb, VERDICT_arp_unanswered);
	arp_answer(frame, port->mac);
	count(skb, VERDICT_arp_answered);
	if (port->role != ENI_ROLE_UPLINK)
		return bpf_redirect(skb->ifindex, 0);
	/* The kernel hears who asked: a host that came back with another MAC asks before anybody writes to it. */
	bpf_clone_redirect(skb, skb->ifindex, 0);
	frame = (void *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	arp_turn(frame);
	return TC_ACT_OK;
}

static __always_inline int is_routers_own6(const struct eni_config *port, const struct in6_addr *address)
{
	return ipv6_in_subnet(address, port->subnet6) && !address->s6_addr32[2] && address->s6_addr32[3] == bpf_htonl(1);
}

/* fe80::1 on every port. */
static __always_inline int is_routers_link_local(const struct in6_addr *address)
{
	return address->s6_addr32[0] == bpf_htonl(0xfe800000) && !address->s6_addr32[1] && !address->s6_addr32[2] &&
	       address->s6_addr32[3] == bpf_htonl(1);
}

/* What the answer of the port's route table means; eni_forwarded with the port to leave by known, 0 for AWS's local route. */
static __always_inline __u32 by_route_table(long answer)
{
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return VERDICT_eni_forwarded;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return VERDICT_route_blackhole;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return VERDICT_no_route;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return VERDICT_mtu_exceeded;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return 0;
	default:
		return VERDICT_fib_error;
	}
}

static __always_inline __u32 by_delivery_table(long answer)
{
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return VERDICT_eni_forwarded;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return VERDICT_no_such_address;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return VERDICT_mtu_exceeded;
	default:
		return VERDICT_fib_error;
	}
}

/* The verdict of the routing decision; eni_forwarded with the port to leave by in `out` and the next hop in `next`. Inside the subnet no
 * route table applies. One place in the program asks for both tables: two would take twice the stack. */
static __always_inline __u32 route(struct __sk_buff *skb, const struct iphdr *ip, const struct eni_config *port, __u32 *out,
				   __be32 *next)
{
	int inside = (ip->daddr & port->mask) == port->subnet;
	__u32 verdict;
	long answer;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 2; i++) {
		answer = fib_ask(skb, ip, inside ? port->delivery : port->table, out, next);
		verdict = inside ? by_delivery_table(answer) : by_route_table(answer);
		if (verdict)
			return verdict;
		inside = 1;
	}
	return VERDICT_fib_error;
}

static __always_inline __u32 route6(struct __sk_buff *skb, const struct ipv6hdr *ip, const struct eni_config *port, __u32 *out)
{
	int inside = ipv6_in_subnet(&ip->daddr, port->subnet6);
	__u32 verdict;
	long answer;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 2; i++) {
		answer = fib_ask6(skb, ip, inside ? port->delivery : port->table, out);
		verdict = inside ? by_delivery_table(answer) : by_route_table(answer);
		if (verdict)
			return verdict;
		inside = 1;
	}
	return VERDICT_fib_error;
}

/* Who is behind an uplink the kernel finds out, by ARP from the router's own address, and remembers like any router. */
static __always_inline int to_neighbour(__u32 out, __be32 next)
{
	struct bpf_redir_neigh hop = {.nh_family = FIB_FAMILY_IPV4, .ipv4_nh = next};

	return bpf_redirect_neigh(out, &hop, sizeof(hop), 0);
}

static __always_inline int forward(struct __sk_buff *skb, struct iphdr *ip, const struct eni_config *port)
{
	struct ethhdr *eth = (void *)ip - ETH_HLEN;
	const struct eni_config *leaving;
	struct judgement judgement;
	__u32 out = 0, mtu = 0;
	__be32 next = 0;
	__u32 verdict = route(skb, ip, port, &out, &next);

	leaving = verdict == VERDICT_eni_forwarded ? eni_at(out) : NULL;
	if (!leaving) {
		flow_log_sent(skb, port, 4, 0, NULL); /* nobody judged it */
		return drop(skb, verdict == VERDICT_eni_forwarded ? VERDICT_eni_not_configured : verdict);
	}
	judgement = judge(skb, port, leaving, guard_behind(port, ip->saddr), guard_behind(leaving, next),
			  judge_kind(ip->protocol, ENI_GUARDS_4));
	flow_log_sent(skb, port, 4, judgement.egress, leaving);
	if (judgement.egress)
		return drop(skb, judgement.egress);
	if (checked(leaving) && !holds(leaving, ip->daddr))
		return drop(skb, VERDICT_dest_check);
	if (bpf_check_mtu(skb, out, &mtu, 0, BPF_MTU_CHK_SEGS))
		return drop(skb, VERDICT_mtu_exceeded);
	flow_log_received(skb, leaving, 4, judgement.ingress);
	if (judgement.ingress)
		return drop(skb, judgement.ingress);
	ipv4_decrease_ttl(ip);
	__builtin_memcpy(eth->h_source, leaving->mac, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, leaving->peer_mac, ETH_ALEN);
	count(skb, VERDICT_eni_forwarded);
	if (leaving->role == ENI_ROLE_UPLINK)
		return to_neighbour(out, next);
	return bpf_redirect(out, 0);
}

/* A function of its own beside take_ipv6(), so that the stack has room for both. */
static __noinline int forward6(struct __sk_buff *skb, const struct eni_config *port)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct ipv6hdr *ip = (void *)(eth + 1);
	const struct eni_config *leaving;
	struct judgement judgement;
	__u32 verdict, out = 0, mtu = 0;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return drop(skb, VERDICT_malformed);
	verdict = route6(skb, ip, port, &out);
	leaving = verdict == VERDICT_eni_forwarded ? eni_at(out) : NULL;
	if (!leaving) {
		flow_log_sent(skb, port, 6, 0, NULL); /* nobody judged it */
		return drop(skb, verdict == VERDICT_eni_forwarded ? VERDICT_eni_not_configured : verdict);
	}
	judgement = judge(skb, port, leaving, &port->guard, &leaving->guard, judge_kind(ip->nexthdr, ENI_GUARDS_6));
	flow_log_sent(skb, port, 6, judgement.egress, leaving);
	if (judgement.egress)
		return drop(skb, judgement.egress);
	if (checked(leaving) && !holds6(out, &ip->daddr))
		return drop(skb, VERDICT_dest_check);
	if (bpf_check_mtu(skb, out, &mtu, 0, BPF_MTU_CHK_SEGS))
		return drop(skb, VERDICT_mtu_exceeded);
	flow_log_received(skb, leaving, 6, judgement.ingress);
	if (judgement.ingress)
		return drop(skb, judgement.ingress);
	ip->hop_limit--;
	__builtin_memcpy(eth->h_source, leaving->mac, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, leaving->peer_mac, ETH_ALEN);
	count(skb, VERDICT_eni_forwarded);
	return bpf_redirect(out, 0);
}

/* Every address of the subnet has the router's MAC, and so has the router's link-local one; see answer_arp(). */
static __always_inline int answer_neighbour(struct __sk_buff *skb, const struct ipv6hdr *ip, const struct eni_config *port)
{
	const struct counter size = arrival(skb); /* the answer has another length */
	struct in6_addr asker = ip->saddr;
	struct nd_message asked;
	int is_router;

	if (!nd_is_solicitation(skb, ip, &asked))
		return drop(skb, VERDICT_neighbour_unanswered);
	is_router = is_routers_own6(port, &asked.target) || is_routers_link_local(&asked.target);
	if (!is_router && (!ipv6_in_subnet(&asked.target, port->subnet6) || holds6(skb->ifindex, &asked.target)))
		return drop(skb, VERDICT_neighbour_unanswered);
	if (nd_advertise(skb, &asker, &asked.target, port->mac, is_router)) {
		count_arrival(skb, &size, VERDICT_neighbour_unanswered);
		return TC_ACT_SHOT;
	}
	count_arrival(skb, &size, VERDICT_neighbour_answered);
	return bpf_redirect(skb->ifindex, 0);
}

/* A function of its own, so that IPv4 pays nothing for it. GOES_ON for what is to be forwarded. */
#define GOES_ON 0x100 /* no TC_ACT_… */
static __noinline int take_ipv6(struct __sk_buff *skb, const struct eni_config *port)
{
	struct ipv6hdr *ip;

	if (!(port->flags & ENI_IPV6))
		return drop(skb, VERDICT_ipv6_not_enabled);
	ip = ipv6_header(skb);
	if (!ip)
		return drop(skb, VERDICT_malformed);
	if (nd_is_any(skb, ip))
		return answer_neighbour(skb, ip, port);
	if (skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST || !ipv6_is_unicast(&ip->saddr) ||
	    !ipv6_is_unicast(&ip->daddr))
		return drop(skb, VERDICT_not_unicast);
	if (checked(port) && !holds6(skb->ifindex, &ip->saddr))
		return drop(skb, VERDICT_source_check);
	if (is_routers_own6(port, &ip->daddr))
		return to_stack(skb, port, VERDICT_to_router);
	if (ip->hop_limit <= 1) {
		flow_log_sent(skb, port, 6, 0, NULL);
		return to_stack(skb, port, VERDICT_ttl_exceeded);
	}
	return GOES_ON;
}

/* Instance metadata and the name server: addresses of the router's own box, for instances alone. 169.254.169.254 and .253 are the same
 * in every VPC, and link-local: no port but an instance's leads there. */
#define METADATA_ADDRESS bpf_htonl(0xa9fea9fe)
#define RESOLVER_ADDRESS bpf_htonl(0xa9fea9fd)

static __always_inline int is_service(const struct eni_config *port, __be32 address)
{
	if (port->resolver && address == port->resolver)
		return 1;
	return port->role == ENI_ROLE_ENI && (address == METADATA_ADDRESS || (port->resolver && address == RESOLVER_ADDRESS));
}

/* The sender's address says which instance asks, so it has to be its own, whatever its source/dest check. Unmarked: answers go to it by
 * the delivery table, past every route table. */
static __noinline int to_service(struct __sk_buff *skb, const struct eni_config *port)
{
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return drop(skb, VERDICT_malformed);
	if (port->role != ENI_ROLE_ENI || skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST ||
	    !holds(port, ip->saddr))
		return drop(skb, VERDICT_service_not_here);
	count(skb, VERDICT_to_service);
	return TC_ACT_OK;
}

SEC("tc")
int eni(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct eni_config *port = eni_at(ifindex);
	struct iphdr *ip;
	int answer;

	if (!port)
		return drop(skb, VERDICT_eni_not_configured);
	if (skb->vlan_present)
		return drop(skb, VERDICT_not_ip);
	switch (bpf_ntohs((__u16)skb->protocol)) {
	case ETH_P_IP:
		break;
	case ETH_P_ARP:
		return answer_arp(skb, port);
	case ETH_P_IPV6:
		answer = take_ipv6(skb, port);
		return answer == GOES_ON ? forward6(skb, port) : answer;
	default:
		return drop(skb, VERDICT_not_ip);
	}
	ip = ipv4_header(skb);
	if (!ip)
		return drop(skb, VERDICT_malformed);
	if (is_service(port, ip->daddr))
		return to_service(skb, port);
	if (skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST || !ipv4_is_unicast(ip->saddr) ||
	    !ipv4_is_unicast(ip->daddr))
		return drop(skb, VERDICT_not_unicast);
	if (checked(port) && !holds(port, ip->saddr))
		return drop(skb, VERDICT_source_check);
	if (is_routers_own(port, ip->daddr))
		return to_stack(skb, port, VERDICT_to_router);
	if (ip->ttl <= 1) { /* the stack answers with time exceeded, and never forwards such a packet */
		flow_log_sent(skb, port, 4, 0, NULL);
		return to_stack(skb, port, VERDICT_ttl_exceeded);
	}
	return forward(skb, ip, port);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
