/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The IPv4 header behind an Ethernet header, as a router must see it.
 *
 * Contract: ipv4_header() makes the fixed header linear and answers it only when version, lengths and header checksum agree, else NULL.
 * It may move the packet: read pointers into it afterwards.
 */
#ifndef OPENGWLB_IPV4_H
#define OPENGWLB_IPV4_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IPV4_HEADER_MAX 60
#define IPV4_OFFSET_MASK 0x1fff
#define IPV4_SUM_OF_A_GOOD_HEADER 0xffff

static __always_inline __u16 ipv4_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __always_inline int ipv4_checksum_good(struct __sk_buff *skb, struct iphdr *ip)
{
	__u8 header[IPV4_HEADER_MAX] = {}; /* zeros add nothing: one fixed length suits every header */
	__u32 length = ip->ihl * 4;
	__s64 sum;

	if (length == sizeof(*ip)) {
		sum = bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0);
	} else {
		if (length < sizeof(*ip) || length > sizeof(header))
			return 0;
		if (bpf_skb_load_bytes(skb, ETH_HLEN, header, length))
			return 0;
		sum = bpf_csum_diff(NULL, 0, (__be32 *)header, sizeof(header), 0);
	}
	return ipv4_fold((__u32)sum) == IPV4_SUM_OF_A_GOOD_HEADER;
}

static __always_inline struct iphdr *ipv4_header(struct __sk_buff *skb)
{
	const __u32 need = ETH_HLEN + sizeof(struct iphdr);
	struct iphdr *ip;
	__u32 length;

	if (skb->data + need > skb->data_end)
		bpf_skb_pull_data(skb, need); /* a failure shows in the next line */
	if ((void *)(long)skb->data + need > (void *)(long)skb->data_end)
		return NULL;
	ip = (void *)(long)skb->data + ETH_HLEN;
	length = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || ip->ihl < 5 || length < ip->ihl * 4 || length > skb->len - ETH_HLEN)
		return NULL;
	return ipv4_checksum_good(skb, ip) ? ip : NULL;
}

/* False for this-network, loopback, link-local, multicast, reserved and broadcast: what a VPC does not carry. */
static __always_inline int ipv4_is_unicast(__be32 address)
{
	__u32 value = bpf_ntohl(address);
	__u32 first = value >> 24;

	return first >= 1 && first <= 223 && first != 127 && value >> 16 != 0xa9fe;
}

static __always_inline void ipv4_decrease_ttl(struct iphdr *ip)
{
	__u32 sum = ip->check + bpf_htons(0x0100); /* RFC 1624, as the kernel's ip_decrease_ttl() */

	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
}

#endif
