/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A TCP packet answered with a reset, as a host without that connection would (RFC 9293, 3.10.7.1).
 *
 * Contract: is_resettable() says whether tcp_reset() would answer: only whole packets whose TCP header is all there, and never a reset.
 * tcp_reset() turns the packet into its own answer, to be sent out of the port that it came in by; -1: the packet is spoiled. The answer
 * has neither IPv4 options nor IPv6 extension headers, whatever the packet had. The sender takes the reset for its peer's: the number
 * it asks for is the one that it acknowledged.
 */
#ifndef OPENGWLB_RESET_H
#define OPENGWLB_RESET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "csum.h"
#include "ipv4.h"
#include "parse.h"

#define RESET_TTL 64
#define RESET_DONT_FRAGMENT 0x4000
#define RESET_OPTIONS_MAX 0xfff /* what bpf_skb_adjust_room() takes away at most */

struct reset_header {
	__be16 source, destination;
	__be32 sequence, acknowledgement;
	__u8 length; /* 4 bits, in words of 4 bytes */
	__u8 flags;
	__be16 window;
	__u16 checksum;
	__be16 urgent;
};
_Static_assert(sizeof(struct reset_header) == TCP_HEADER, "TCP without options");

static __always_inline __u32 plain_header(const struct packet *packet)
{
	return packet->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static __always_inline int is_resettable(const struct packet *packet)
{
	__u32 header = packet->transport - ETH_HLEN;

	return packet->protocol == IPPROTO_TCP && !packet->quoted && packet->fragment == WHOLE &&
	       !(packet->tcp_flags & TCP_FLAG_BYTE_RST) && header <= plain_header(packet) + RESET_OPTIONS_MAX &&
	       packet->shared >= header + TCP_HEADER && packet->shared <= packet->length;
}

/* Whether the device that sends it shall finish the TCP checksum (CHECKSUM_PARTIAL). The kernel leaves such a one alone when data
 * changes, and adjusts any other. -1 when it cannot be told. */
static __always_inline int is_unfinished(struct __sk_buff *skb, __u32 tcp)
{
	__u16 before, after;

	if (bpf_skb_load_bytes(skb, tcp + TCP_CHECKSUM_AT, &before, sizeof(before)) ||
	    bpf_l4_csum_replace(skb, tcp + TCP_CHECKSUM_AT, 0, bpf_htons(1), sizeof(before)) ||
	    bpf_skb_load_bytes(skb, tcp + TCP_CHECKSUM_AT, &after, sizeof(after)))
		return -1;
	return before == after;
}

static __always_inline struct reset_header answer_to(const struct reset_header *said, __u32 length)
{
	struct reset_header reset = {
		.source = said->destination,
		.destination = said->source,
		.length = TCP_HEADER / 4 << 4,
	};

	if (said->flags & TCP_FLAG_BYTE_ACK) {
		reset.sequence = said->acknowledgement;
		reset.flags = TCP_FLAG_BYTE_RST;
	} else {
		reset.acknowledgement = bpf_htonl(bpf_ntohl(said->sequence) + length);
		reset.flags = TCP_FLAG_BYTE_RST | TCP_FLAG_BYTE_ACK;
	}
	return reset;
}

static __always_inline long write_ip(struct __sk_buff *skb, const struct packet *packet)
{
	if (packet->family == 4) {
		struct iphdr ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(ip) + TCP_HEADER),
			.frag_off = bpf_htons(RESET_DONT_FRAGMENT),
			.ttl = RESET_TTL,
			.protocol = IPPROTO_TCP,
			.saddr = packet->destination[0],
			.daddr = packet->source[0],
		};

		ip.check = ipv4_header_checksum(&ip);
		return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
	} else {
		struct ipv6hdr ip = {
			.version = 6,
			.payload_len = bpf_htons(TCP_HEADER),
			.nexthdr = IPPROTO_TCP,
			.hop_limit = RESET_TTL,
		};

		__builtin_memcpy(&ip.saddr, packet->destination, sizeof(ip.saddr));
		__builtin_memcpy(&ip.daddr, packet->source, sizeof(ip.daddr));
		return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
	}
}

/* The pseudo-header's sum; the order of the addresses does not matter to it, nor do an IPv4 address's zeros. */
static __always_inline __u32 pseudo_sum(struct packet *packet)
{
	__s64 sum = bpf_csum_diff(NULL, 0, packet->source, sizeof(packet->source), 0);

	sum = bpf_csum_diff(NULL, 0, packet->destination, sizeof(packet->destination), sum);
	return ipv4_fold(sum) + bpf_htons(IPPROTO_TCP) + bpf_htons(TCP_HEADER);
}

/* Global, so that the verifier looks at it once. */
__noinline int tcp_reset(struct __sk_buff *skb, struct packet *packet)
{
	struct reset_header said, reset;
	__u8 addresses[2 * ETH_ALEN], turned[2 * ETH_ALEN];
	__u32 tcp, length;
	int unfinished;

	if (!packet || bpf_skb_load_bytes(skb, packet->transport, &said, sizeof(said)) ||
	    bpf_skb_load_bytes(skb, 0, addresses, sizeof(addresses)))
		return -1;
	/* What the packet takes of the sequence: its data, and one for each of SYN and FIN. */
	length = packet->length - packet->shared + !!(said.flags & TCP_FLAG_BYTE_SYN) + !!(said.flags & TCP_FLAG_BYTE_FIN);
	if (packet->shared > packet->length)
		return -1;
	unfinished = is_unfinished(skb, packet->transport);
	tcp = ETH_HLEN + plain_header(packet);
	/* Taken out, and not written over: a checksum that is left to a device is found by the place of the TCP header. */
	if (unfinished < 0 ||
	    (packet->transport > tcp &&
	     bpf_skb_adjust_room(skb, -(__s32)(packet->transport - tcp), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO)) ||
	    bpf_skb_change_tail(skb, tcp + TCP_HEADER, 0))
		return -1;
	reset = answer_to(&said, length);
	reset.checksum = ipv4_fold(pseudo_sum(packet));
	if (!unfinished)
		reset.checksum = ~ipv4_fold(bpf_csum_diff(NULL, 0, (__be32 *)&reset, sizeof(reset), 0));
	__builtin_memcpy(turned, addresses + ETH_ALEN, ETH_ALEN);
	__builtin_memcpy(turned + ETH_ALEN, addresses, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, turned, sizeof(turned), 0) || write_ip(skb, packet) ||
	    bpf_skb_store_bytes(skb, tcp, &reset, sizeof(reset), BPF_F_RECOMPUTE_CSUM))
		return -1;
	return 0;
}

#endif
