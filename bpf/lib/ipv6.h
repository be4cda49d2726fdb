/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The IPv6 header behind an Ethernet header, as a router must see it.
 *
 * Contract: ipv6_header() makes the fixed header linear and answers it only when version and lengths agree, else NULL. It may move the
 * packet: read pointers into it afterwards. Addresses are four words in network order.
 */
#ifndef OPENGWLB_IPV6_H
#define OPENGWLB_IPV6_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline struct ipv6hdr *ipv6_header(struct __sk_buff *skb)
{
	const __u32 need = ETH_HLEN + sizeof(struct ipv6hdr);
	struct ipv6hdr *ip;

	if (skb->data + need > skb->data_end)
		bpf_skb_pull_data(skb, need); /* a failure shows in the next line */
	if ((void *)(long)skb->data + need > (void *)(long)skb->data_end)
		return NULL;
	ip = (void *)(long)skb->data + ETH_HLEN;
	if (ip->version != 6 || sizeof(*ip) + bpf_ntohs(ip->payload_len) > skb->len - ETH_HLEN)
		return NULL;
	return ip;
}

/* False for multicast, link-local, and what begins with 64 zeros (unspecified, loopback, IPv4 in disguise): what a VPC does not carry. */
static __always_inline int ipv6_is_unicast(const struct in6_addr *address)
{
	__u32 first = bpf_ntohl(address->s6_addr32[0]);

	return (first | address->s6_addr32[1]) && first >> 24 != 0xff && first >> 22 != 0xfe80 >> 6;
}

/* Whether the address is in the /64 whose first half this is. */
static __always_inline int ipv6_in_subnet(const struct in6_addr *address, const __be32 *subnet)
{
	return address->s6_addr32[0] == subnet[0] && address->s6_addr32[1] == subnet[1];
}

#endif
