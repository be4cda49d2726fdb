/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One look-up in one routing table of the kernel, by the table's number.
 *
 * Contract: the port that the packet came in by has forwarding switched on. fib_ask() answers a BPF_FIB_LKUP_RET_* (or a negative
 * errno) and, on SUCCESS, the port to leave by in `out`. Neighbours are not asked: the programs know each port's addresses. What an
 * uplink asks for is not known: for it fib_ask() says in `next` whose address it is to find, the destination's or that of the route's `via`.
 * A `throw` route and a table without a match both answer NOT_FWDED; `unreachable` and `blackhole` routes answer by their names.
 */
#ifndef OPENGWLB_FIB_H
#define OPENGWLB_FIB_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Kernel 6.6's flag; some distributions' headers lack its name. */
#define FIB_LOOKUP_TABLE_ID (1U << 3)
#define FIB_FAMILY_IPV4 2  /* AF_INET */
#define FIB_FAMILY_IPV6 10 /* AF_INET6 */

/* The table's number shares its place with the VLAN fields. With a wrong offset every packet would silently take the main table. */
#define FIB_TABLE_OFFSET 48
_Static_assert(__builtin_offsetof(struct bpf_fib_lookup, h_vlan_proto) == FIB_TABLE_OFFSET, "tbid's place in the union");

static __always_inline long fib_ask(struct __sk_buff *skb, const struct iphdr *ip, __u32 table, __u32 *out, __be32 *next)
{
	struct bpf_fib_lookup ask = {};
	long answer;

	ask.family = FIB_FAMILY_IPV4;
	ask.tos = ip->tos;
	ask.l4_protocol = ip->protocol;
	ask.ifindex = skb->ifindex;
	ask.ipv4_src = ip->saddr;
	ask.ipv4_dst = ip->daddr;
	*(__u32 *)((void *)&ask + FIB_TABLE_OFFSET) = table;
	answer = bpf_fib_lookup(skb, &ask, sizeof(ask), BPF_FIB_LOOKUP_DIRECT | FIB_LOOKUP_TABLE_ID | BPF_FIB_LOOKUP_SKIP_NEIGH);
	*out = ask.ifindex;
	*next = ask.ipv4_dst;
	return answer;
}

/* The same for an address alone, on behalf of nobody. */
static __always_inline long fib_ask_address(struct __sk_buff *skb, __be32 address, __u32 table, __u32 *out)
{
	struct bpf_fib_lookup ask = {};
	long answer;

	ask.family = FIB_FAMILY_IPV4;
	ask.ifindex = skb->ifindex;
	ask.ipv4_dst = address;
	*(__u32 *)((void *)&ask + FIB_TABLE_OFFSET) = table;
	answer = bpf_fib_lookup(skb, &ask, sizeof(ask), BPF_FIB_LOOKUP_DIRECT | FIB_LOOKUP_TABLE_ID | BPF_FIB_LOOKUP_SKIP_NEIGH);
	*out = ask.ifindex;
	return answer;
}

static __always_inline long fib_ask6(struct __sk_buff *skb, const struct ipv6hdr *ip, __u32 table, __u32 *out)
{
	struct bpf_fib_lookup ask = {};
	long answer;

	ask.family = FIB_FAMILY_IPV6;
	ask.l4_protocol = ip->nexthdr;
	ask.ifindex = skb->ifindex;
	__builtin_memcpy(ask.ipv6_src, &ip->saddr, sizeof(ask.ipv6_src));
	__builtin_memcpy(ask.ipv6_dst, &ip->daddr, sizeof(ask.ipv6_dst));
	*(__u32 *)((void *)&ask + FIB_TABLE_OFFSET) = table;
	answer = bpf_fib_lookup(skb, &ask, sizeof(ask), BPF_FIB_LOOKUP_DIRECT | FIB_LOOKUP_TABLE_ID | BPF_FIB_LOOKUP_SKIP_NEIGH);
	*out = ask.ifindex;
	return answer;
}

#endif
