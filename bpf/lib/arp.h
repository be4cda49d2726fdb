/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ARP for IPv4 over Ethernet, answered in place.
 *
 * Contract: the caller has made sure that `struct arp_frame` lies in the linear part. arp_answer() turns a request into its reply, the
 * sender's and target's roles swapped, and arp_turn() that reply into one by the asker; neither changes a length.
 */
#ifndef OPENGWLB_ARP_H
#define OPENGWLB_ARP_H

#include <linux/if_ether.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ARP_HARDWARE_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2

/* Addresses as byte arrays: at these offsets they are not aligned. */
struct arp_frame {
	struct ethhdr eth;
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target[4];
} __attribute__((packed));

_Static_assert(sizeof(struct arp_frame) == 42, "Ethernet 14, ARP 28");

static __always_inline int arp_is_ipv4(const struct arp_frame *frame)
{
	return frame->hardware == bpf_htons(ARP_HARDWARE_ETHERNET) && frame->protocol == bpf_htons(ETH_P_IP) &&
	       frame->hardware_length == ETH_ALEN && frame->protocol_length == 4;
}

static __always_inline int arp_is_request(const struct arp_frame *frame)
{
	return arp_is_ipv4(frame) && frame->operation == bpf_htons(ARP_REQUEST);
}

/* A reply, or what somebody says of himself unasked: his address moved to another MAC. */
static __always_inline int arp_tells(const struct arp_frame *frame)
{
	return arp_is_ipv4(frame) && (frame->operation == bpf_htons(ARP_REPLY) ||
				      !__builtin_memcmp(frame->sender, frame->target, sizeof(frame->target)));
}

/* Turns the answer that arp_answer() made round, into a reply by the asker: what his question told of himself. */
static __always_inline void arp_turn(struct arp_frame *frame)
{
	__u8 asked[4], router[ETH_ALEN];

	__builtin_memcpy(asked, frame->sender, 4);
	__builtin_memcpy(router, frame->sender_mac, ETH_ALEN);
	__builtin_memcpy(frame->sender, frame->target, 4);
	__builtin_memcpy(frame->sender_mac, frame->target_mac, ETH_ALEN);
	__builtin_memcpy(frame->target, asked, 4);
	__builtin_memcpy(frame->target_mac, router, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, frame->sender_mac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_dest, router, ETH_ALEN);
}

static __always_inline void arp_answer(struct arp_frame *frame, const __u8 *mac)
{
	__u8 asked[4];

	__builtin_memcpy(asked, frame->target, 4);
	__builtin_memcpy(frame->target, frame->sender, 4);
	__builtin_memcpy(frame->sender, asked, 4);
	__builtin_memcpy(frame->target_mac, frame->sender_mac, ETH_ALEN);
	__builtin_memcpy(frame->sender_mac, mac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_dest, frame->eth.h_source, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, mac, ETH_ALEN);
	frame->operation = bpf_htons(ARP_REPLY);
}

#endif
