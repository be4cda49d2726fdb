/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Neighbour discovery (RFC 4861), as far as a router needs it that answers for everyone: a solicitation becomes its advertisement.
 *
 * Contract: nd_is_solicitation() says whether the packet at hand is one to answer; the caller has checked the IPv6 header.
 * nd_advertise() turns it into the answer in place, and makes pointers into the packet invalid.
 */
#ifndef OPENGWLB_ND_H
#define OPENGWLB_ND_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ND_PROTOCOL 58 /* ICMPv6 */
#define ND_HOP_LIMIT 255 /* no router has touched it */
#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136
#define ND_TYPE_FIRST 133 /* router solicitation */
#define ND_TYPE_LAST 137  /* redirect */
#define ND_ROUTER 0x80000000
#define ND_SOLICITED 0x40000000
#define ND_OVERRIDE 0x20000000
#define ND_OPTION_TARGET_MAC 2

struct nd_message {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 flags;
	struct in6_addr target;
};

/* What an advertisement is summed over and consists of: the pseudo-header (RFC 8200, 8.1), then the message. */
struct nd_answer {
	struct in6_addr source;
	struct in6_addr destination;
	__be32 length;
	__be32 protocol;
	struct nd_message message;
	__u8 option_type;
	__u8 option_length; /* in units of 8 bytes */
	__u8 mac[ETH_ALEN];
};

#define ND_PSEUDO_LENGTH 40
#define ND_ANSWER_LENGTH 32 /* of the ICMPv6 message */
_Static_assert(sizeof(struct nd_answer) == ND_PSEUDO_LENGTH + ND_ANSWER_LENGTH, "pseudo-header 40, advertisement 24, option 8");

static __always_inline int nd_is_unspecified(const struct in6_addr *address)
{
	return !(address->s6_addr32[0] | address->s6_addr32[1] | address->s6_addr32[2] | address->s6_addr32[3]);
}

/* Any message of neighbour discovery. Whatever stands behind an extension header is none. */
static __always_inline int nd_is_any(struct __sk_buff *skb, const struct ipv6hdr *ip)
{
	__u8 type;

	return ip->nexthdr == ND_PROTOCOL && !bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip), &type, sizeof(type)) &&
	       type >= ND_TYPE_FIRST && type <= ND_TYPE_LAST;
}

static __always_inline int nd_is_solicitation(struct __sk_buff *skb, const struct ipv6hdr *ip, struct nd_message *asked)
{
	return ip->hop_limit == ND_HOP_LIMIT && bpf_ntohs(ip->payload_len) >= sizeof(*asked) &&
	       !bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip), asked, sizeof(*asked)) && asked->type == ND_SOLICITATION &&
	       !asked->code;
}

static __always_inline __be16 nd_checksum(struct nd_answer *answer)
{
	__u32 sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)answer, sizeof(*answer), 0);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__be16)~sum;
}

/* 0 or a negative errno. Who asks with no address of its own (duplicate address detection) is answered with all nodes. */
static __always_inline long nd_advertise(struct __sk_buff *skb, const struct in6_addr *asker, const struct in6_addr *target,
					 const __u8 *mac, int is_router)
{
	static const __u8 all_nodes[ETH_ALEN] = {0x33, 0x33, 0, 0, 0, 1};
	struct nd_answer answer = {
		.source = *target,
		.destination = *asker,
		.length = bpf_htonl(ND_ANSWER_LENGTH),
		.protocol = bpf_htonl(ND_PROTOCOL),
		.message = {.type = ND_ADVERTISEMENT, .target = *target},
		.option_type = ND_OPTION_TARGET_MAC,
		.option_length = 1,
	};
	__u32 flags = ND_OVERRIDE | (is_router ? ND_ROUTER : 0);
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = bpf_htons(ND_ANSWER_LENGTH),
		.nexthdr = ND_PROTOCOL,
		.hop_limit = ND_HOP_LIMIT,
	};
	struct ethhdr eth;
	long error;

	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return -1;
	if (nd_is_unspecified(asker)) {
		answer.destination.s6_addr32[0] = bpf_htonl(0xff020000);
		answer.destination.s6_addr32[3] = bpf_htonl(1);
		__builtin_memcpy(eth.h_dest, all_nodes, ETH_ALEN);
	} else {
		flags |= ND_SOLICITED;
		__builtin_memcpy(eth.h_dest, eth.h_source, ETH_ALEN);
	}
	__builtin_memcpy(eth.h_source, mac, ETH_ALEN);
	__builtin_memcpy(answer.mac, mac, ETH_ALEN);
	answer.message.flags = bpf_htonl(flags);
	answer.message.checksum = nd_checksum(&answer);
	ip.saddr = answer.source;
	ip.daddr = answer.destination;
	error = bpf_skb_change_tail(skb, ETH_HLEN + sizeof(ip) + ND_ANSWER_LENGTH, 0);
	if (error)
		return error;
	return bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0) ?: bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) ?:
	       bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(ip), &answer.message, ND_ANSWER_LENGTH, 0);
}

#endif
