/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An IPv4 address is replaced, and with it every checksum that covers it.
 *
 * Contract: offsets count from the Ethernet header. Checksums are adjusted, never computed anew: a wrong one stays wrong, an
 * unfinished one (CHECKSUM_PARTIAL, also in GSO super-packets) stays unfinished and right, and UDP's zero stays zero.
 * What Ethernet padded is no part of the packet, and stays as it is. All functions answer 0 or a negative errno, and make pointers into
 * the packet invalid.
 */
#ifndef OPENGWLB_REWRITE_H
#define OPENGWLB_REWRITE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ipv4.h"

#define IPV4_CHECKSUM 10
#define IPV4_SOURCE 12
#define IPV4_DESTINATION 16
#define TCP_CHECKSUM 16
#define UDP_CHECKSUM 6
#define ICMP_CHECKSUM 2
#define ICMP_HEADER_LENGTH 8
#define NO_CHECKSUM 0 /* no transport has it at its very beginning */

/* Where the transport's checksum covers the addresses. */
static __always_inline __u32 checksum_place(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return TCP_CHECKSUM;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return UDP_CHECKSUM; /* of all three */
	default:
		return NO_CHECKSUM;
	}
}

/* Of UDP a checksum of 0 says that there is none, so one that comes to 0 is written as 0xffff (RFC 768, 3828). */
static __always_inline int zero_is_none(__u8 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* `place` is IPV4_SOURCE or IPV4_DESTINATION; `ip` a copy of the header as it is now. */
static __always_inline long rewrite_address(struct __sk_buff *skb, const struct iphdr *ip, __u32 place, __be32 address)
{
	__u32 transport = ETH_HLEN + ip->ihl * 4;
	__u32 checksum = checksum_place(ip->protocol);
	__be32 old = place == IPV4_SOURCE ? ip->saddr : ip->daddr;
	__u64 flags = BPF_F_PSEUDO_HDR | sizeof(address);
	long error;

	if (zero_is_none(ip->protocol))
		flags |= BPF_F_MARK_MANGLED_0;
	if (checksum && !(ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))) {
		if (transport + checksum + 2 > ETH_HLEN + bpf_ntohs(ip->tot_len))
			return -1;
		error = bpf_l4_csum_replace(skb, transport + checksum, old, address, flags);
		if (error)
			return error;
	}
	error = bpf_l3_csum_replace(skb, ETH_HLEN + IPV4_CHECKSUM, old, address, sizeof(address));
	if (error)
		return error;
	return bpf_skb_store_bytes(skb, ETH_HLEN + place, &address, sizeof(address), 0);
}

/* RFC 1624, equation 3: the checksum after a 32-bit piece of what it covers changed. */
static __always_inline __u16 adjusted(__u16 checksum, __be32 old, __be32 new)
{
	__u32 sum = (__u16)~checksum;

	sum += (__u16)~old + (__u16)~(old >> 16);
	sum += (__u16)new + (__u16)(new >> 16);
	return (__u16)~ipv4_fold(sum);
}

/* Destination unreachable, source quench, redirect, time exceeded, parameter problem: they quote a packet. */
static __always_inline int icmp_is_error(__u8 type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Replaces two bytes that the ICMP checksum at `icmp` covers. */
static __always_inline long rewrite_in_icmp(struct __sk_buff *skb, __u32 icmp, __u32 at, __u16 old, __u16 new)
{
	long error = bpf_l4_csum_replace(skb, icmp + ICMP_CHECKSUM, old, new, sizeof(new));

	return error ?: bpf_skb_store_bytes(skb, at, &new, sizeof(new), 0);
}

/* The address at `place` of the packet quoted by the ICMP error at `icmp`, which ends at `end`, with the quoted checksums (the transport's
 * where it was quoted) and the error's own. */
static __always_inline long rewrite_quoted_address(struct __sk_buff *skb, __u32 icmp, __u32 end, const struct iphdr *quoted,
						   __u32 place, __be32 address)
{
	__u32 at = icmp + ICMP_HEADER_LENGTH;
	__u32 checksum = checksum_place(quoted->protocol);
	__be32 old = place == IPV4_SOURCE ? quoted->saddr : quoted->daddr;
	__u16 sum, new;
	long error;

	error = rewrite_in_icmp(skb, icmp, at + IPV4_CHECKSUM, quoted->check, adjusted(quoted->check, old, address));
	if (error)
		return error;
	error = bpf_l4_csum_replace(skb, icmp + ICMP_CHECKSUM, old, address, sizeof(address)) ?:
		bpf_skb_store_bytes(skb, at + place, &address, sizeof(address), 0);
	if (error || !checksum || quoted->frag_off & bpf_htons(IPV4_OFFSET_MASK))
		return error;
	at += quoted->ihl * 4 + checksum;
	if (at + sizeof(sum) > end || bpf_skb_load_bytes(skb, at, &sum, sizeof(sum)) || (zero_is_none(quoted->protocol) && !sum))
		return 0;
	new = adjusted(sum, old, address);
	if (zero_is_none(quoted->protocol) && !new)
		new = 0xffff;
	return rewrite_in_icmp(skb, icmp, at, sum, new);
}

#endif
