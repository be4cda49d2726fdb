// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The internet gateway's 1:1 translation: tcx ingress and egress of the VPC-side port of its box. The box's own kernel routes between
 * this port and the internet, so it is the kernel that speaks of MTU and TTL to the internet, in public addresses.
 *
 * IPv6 addresses are public and pass as they are, if a network interface of the VPC holds them.
 *
 * Stateless: igw_out rewrites sources on the way out, igw_in destinations on the way in, before the edge route table is asked. An
 * ICMP error quotes the packet it complains about, which the reader knows by its other address: the quoted address is translated too.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include "lib/count.h"
#include "lib/ipv4.h"
#include "lib/ipv6.h"
#include "lib/rewrite.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct nat_key);
	__type(value, __be32);
} nat_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct nat_key);
	__type(value, __be32);
} nat_in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct eni_address6);
	__type(value, __u8);
} igw_addresses6 SEC(".maps");

/* One direction of the gateway. The quoted packet went the other way, so its address stands at the other place. */
struct direction {
	void *map;
	__u32 place;  /* in the IPv4 header, of the address to translate */
	__u32 quoted; /* the same in a quoted header */
	__u32 done, unknown;
};

static __always_inline int drop(struct __sk_buff *skb, __u32 verdict)
{
	count(skb, verdict);
	return TC_ACT_SHOT;
}

static __always_inline const __be32 *translation(struct __sk_buff *skb, void *map, __be32 address)
{
	struct nat_key key = {.ifindex = skb->ifindex, .address = address};

	return bpf_map_lookup_elem(map, &key);
}

/* 0 or a negative errno. Quoted packets may be cut anywhere after their header; the error ends at `end`. */
static __always_inline long translate_quoted(struct __sk_buff *skb, __u32 icmp, __u32 end, const struct direction *way)
{
	__u32 at = icmp + ICMP_HEADER_LENGTH;
	const __be32 *other;
	struct iphdr quoted;

	if (at + sizeof(quoted) > end || bpf_skb_load_bytes(skb, at, &quoted, sizeof(quoted)) || quoted.version != 4 || quoted.ihl < 5)
		return 0;
	other = translation(skb, way->map, way->quoted == IPV4_SOURCE ? quoted.saddr : quoted.daddr);
	if (!other)
		return 0;
	return rewrite_quoted_address(skb, icmp, end, &quoted, way->quoted, *other);
}

static __always_inline int passes6(__u32 ifindex, const struct in6_addr *address)
{
	struct eni_address6 key = {.ifindex = ifindex};

	__builtin_memcpy(key.address, address, sizeof(key.address));
	return bpf_map_lookup_elem(&igw_addresses6, &key) != NULL;
}

static __always_inline int pass_ipv6(struct __sk_buff *skb, const struct direction *way)
{
	const struct in6_addr gateway_itself = {};
	const struct ipv6hdr *ip;

	if (!passes6(skb->ifindex, &gateway_itself))
		return drop(skb, VERDICT_ipv6_not_enabled);
	ip = ipv6_header(skb);
	if (!ip)
		return drop(skb, VERDICT_malformed);
	if (!ipv6_is_unicast(&ip->saddr) || !ipv6_is_unicast(&ip->daddr))
		return drop(skb, VERDICT_not_unicast);
	if (!passes6(skb->ifindex, way->place == IPV4_SOURCE ? &ip->saddr : &ip->daddr))
		return drop(skb, way->unknown);
	count(skb, way->done);
	return TC_ACT_OK;
}

static __always_inline int translate(struct __sk_buff *skb, const struct direction *way)
{
	const __be32 *other;
	struct iphdr *ip, header;
	__u8 type;

	if (skb->vlan_present)
		return drop(skb, VERDICT_not_ip);
	switch (bpf_ntohs((__u16)skb->protocol)) {
	case ETH_P_IP:
		break;
	case ETH_P_ARP:
		count(skb, VERDICT_to_router);
		return TC_ACT_OK;
	case ETH_P_IPV6:
		return pass_ipv6(skb, way);
	default:
		return drop(skb, VERDICT_not_ip);
	}
	ip = ipv4_header(skb);
	if (!ip)
		return drop(skb, VERDICT_malformed);
	header = *ip;
	other = translation(skb, way->map, way->place == IPV4_SOURCE ? header.saddr : header.daddr);
	if (!other)
		return drop(skb, way->unknown);
	if (rewrite_address(skb, &header, way->place, *other))
		return drop(skb, VERDICT_malformed);
	if (header.protocol == IPPROTO_ICMP && !(header.frag_off & bpf_htons(IPV4_OFFSET_MASK))) {
		__u32 icmp = ETH_HLEN + header.ihl * 4, end = ETH_HLEN + bpf_ntohs(header.tot_len);

		if (icmp < end && !bpf_skb_load_bytes(skb, icmp, &type, sizeof(type)) && icmp_is_error(type) &&
		    translate_quoted(skb, icmp, end, way))
			return drop(skb, VERDICT_malformed);
	}
	count(skb, way->done);
	return TC_ACT_OK;
}

SEC("tc")
int igw_out(struct __sk_buff *skb)
{
	const struct direction way = {
		.map = &nat_out,
		.place = IPV4_SOURCE,
		.quoted = IPV4_DESTINATION,
		.done = VERDICT_igw_out,
		.unknown = VERDICT_igw_no_public_address,
	};

	return translate(skb, &way);
}

SEC("tc")
int igw_in(struct __sk_buff *skb)
{
	const struct direction way = {
		.map = &nat_in,
		.place = IPV4_DESTINATION,
		.quoted = IPV4_SOURCE,
		.done = VERDICT_igw_in,
		.unknown = VERDICT_igw_unknown_address,
	};

	return translate(skb, &way);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
