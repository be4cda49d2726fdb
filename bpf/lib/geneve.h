/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* GENEVE (RFC 8926) in IPv4 and UDP, with the three options of AWS.
 *
 * Contract: struct tunnel is what stands between the Ethernet header and the inner packet on the way to a target: 68 bytes, fixed layout,
 * options in order 1-2-3. geneve_options() reads what comes back, where a target may have put options of its own between them.
 */
#ifndef OPENGWLB_GENEVE_H
#define OPENGWLB_GENEVE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "csum.h"

#define GENEVE_OPTIONS 32 /* bytes that we send */
#define GENEVE_OPTIONS_MAX 252
#define AWS_OPTION_ENDPOINT 1
#define AWS_OPTION_ATTACHMENT 2
#define AWS_OPTION_COOKIE 3
#define TUNNEL_TTL 64
#define TUNNEL_FIRST_PORT 49152 /* the dynamic range: its low 14 bits are the flow's */
#define IP4_DONT_FRAGMENT 0x4000

/* Flags of bpf_skb_adjust_room() since kernel 6.6; some distributions' headers lack their names. */
#define DECAP_L3_IPV4 (1ULL << 7)
#define DECAP_L3_IPV6 (1ULL << 8)

struct geneve_base {
	__u8 version_length; /* 2 bits, 6 bits in words of 4 bytes */
	__u8 flags;
	__be16 protocol;
	__u8 vni[3];
	__u8 reserved;
};

struct geneve_option {
	__be16 class;
	__u8 type;
	__u8 length; /* low 5 bits, in words of 4 bytes, without this header */
};

/* Starts at the IP header: behind an Ethernet header in the same struct everything would be padded by 2. 64-bit values in halves, for
 * the same reason. */
struct tunnel {
	struct iphdr ip;
	struct udphdr udp;
	struct geneve_base geneve;
	struct geneve_option endpoint_option;
	__be32 endpoint[2];
	struct geneve_option attachment_option;
	__be32 attachment[2];
	struct geneve_option cookie_option;
	__be32 cookie;
};
_Static_assert(sizeof(struct tunnel) == ENCAP_LEN, "20 + 8 + 8 + 12 + 12 + 8");

/* With its Ethernet header, to be stored in one piece: from `eth` on. */
struct tunnel_frame {
	__u16 pad;
	struct ethhdr eth;
	struct tunnel tunnel;
};
_Static_assert(sizeof(struct tunnel_frame) == 2 + ETH_HLEN + ENCAP_LEN, "nothing between them");

struct tunnel_ends {
	__be32 source;
	__be32 destination;
	__u16 port; /* 14 bits of the flow's hash */
	__u16 protocol; /* EtherType of the inner packet */
	__u64 endpoint;
	__u32 cookie;
	__u8 traffic_class; /* of the inner packet: DSCP copied, ECN by RFC 6040's normal mode copied too */
};

/* UDP checksum 0. DF with identification 0, as RFC 6864 allows for packets that are never fragmented. */
static __always_inline void tunnel_fill(struct tunnel *tunnel, __u32 inner_length, const struct tunnel_ends *ends)
{
	__builtin_memset(tunnel, 0, sizeof(*tunnel));
	tunnel->ip.version = 4;
	tunnel->ip.ihl = 5;
	tunnel->ip.tos = ends->traffic_class;
	tunnel->ip.tot_len = bpf_htons(inner_length + ENCAP_LEN);
	tunnel->ip.frag_off = bpf_htons(IP4_DONT_FRAGMENT);
	tunnel->ip.ttl = TUNNEL_TTL;
	tunnel->ip.protocol = IPPROTO_UDP;
	tunnel->ip.saddr = ends->source;
	tunnel->ip.daddr = ends->destination;
	tunnel->ip.check = ipv4_header_checksum(&tunnel->ip);
	tunnel->udp.source = bpf_htons(TUNNEL_FIRST_PORT | (ends->port & 0x3fff));
	tunnel->udp.dest = bpf_htons(GENEVE_PORT);
	tunnel->udp.len = bpf_htons(inner_length + ENCAP_LEN - sizeof(struct iphdr));
	tunnel->geneve.version_length = GENEVE_OPTIONS / 4;
	tunnel->geneve.protocol = bpf_htons(ends->protocol);
	tunnel->endpoint_option.class = bpf_htons(AWS_OPTION_CLASS);
	tunnel->endpoint_option.type = AWS_OPTION_ENDPOINT;
	tunnel->endpoint_option.length = 2;
	tunnel->endpoint[0] = bpf_htonl(ends->endpoint >> 32);
	tunnel->endpoint[1] = bpf_htonl((__u32)ends->endpoint);
	tunnel->attachment_option.class = bpf_htons(AWS_OPTION_CLASS);
	tunnel->attachment_option.type = AWS_OPTION_ATTACHMENT;
	tunnel->attachment_option.length = 2;
	tunnel->cookie_option.class = bpf_htons(AWS_OPTION_CLASS);
	tunnel->cookie_option.type = AWS_OPTION_COOKIE;
	tunnel->cookie_option.length = 1;
	tunnel->cookie = bpf_htonl(ends->cookie);
}

/* What the options of a return say. */
struct geneve_said {
	__u64 endpoint;
	__u32 cookie;
	__u8 has_endpoint, has_attachment, has_cookie;
	__u8 pad;
};

/* Walks `length` bytes of options at `at`. 0, or -1 when an option overruns, is one of AWS's with a wrong length, comes twice, or is
 * unknown and critical (RFC 8926, 3.5: such a packet is dropped). Global, so that the verifier walks it once. */
__noinline int geneve_options(struct __sk_buff *skb, __u32 at, __u32 length, struct geneve_said *said)
{
	const __u32 end = at + length;
	struct geneve_option option;
	__be32 data[2];
	__u32 size;

	if (!said)
		return -1;
	__builtin_memset(said, 0, sizeof(*said));
	for (int i = 0; i < GENEVE_OPTIONS_MAX / 4; i++) {
		if (at >= end)
			break;
		if (at + sizeof(option) > end || bpf_skb_load_bytes(skb, at, &option, sizeof(option)))
			return -1;
		size = (option.length & 0x1f) * 4;
		at += sizeof(option);
		if (at + size > end)
			return -1;
		if (option.class == bpf_htons(AWS_OPTION_CLASS) && option.type == AWS_OPTION_ENDPOINT) {
			if (size != 8 || said->has_endpoint || bpf_skb_load_bytes(skb, at, data, 8))
				return -1;
			said->endpoint = (__u64)bpf_ntohl(data[0]) << 32 | bpf_ntohl(data[1]);
			said->has_endpoint = 1;
		} else if (option.class == bpf_htons(AWS_OPTION_CLASS) && option.type == AWS_OPTION_ATTACHMENT) {
			if (size != 8 || said->has_attachment)
				return -1;
			said->has_attachment = 1;
		} else if (option.class == bpf_htons(AWS_OPTION_CLASS) && option.type == AWS_OPTION_COOKIE) {
			if (size != 4 || said->has_cookie || bpf_skb_load_bytes(skb, at, data, 4))
				return -1;
			said->cookie = bpf_ntohl(data[0]);
			said->has_cookie = 1;
		} else if (option.type & 0x80) {
			return -1;
		}
		at += size;
	}
	return 0;
}

#endif
