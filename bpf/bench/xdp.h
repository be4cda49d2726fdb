/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The load balancer's own sources as XDP programs, for measuring: a packet of XDP that answers to the names of a packet of tc.
 *
 * Contract: include it before everything else. The sources then read and write the frame directly where tc calls a helper; what no
 * benchmark's packet needs (checksums of clamped SYNs, padding) fails, and the harness reports packets that were not forwarded.
 * Not for a device: nothing here knows GSO, VLANs or multi-buffer frames.
 */
#ifndef OPENGWLB_BENCH_XDP_H
#define OPENGWLB_BENCH_XDP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct frame {
	struct xdp_md *xdp;
	__u32 ifindex;
	__u32 len;
	__u32 protocol;
	__u32 gso_size, gso_segs;
	__u32 vlan_present;
	__u32 pkt_type;
	__u32 mark;
	__u32 data, data_end; /* 0: what reads packets by these goes by the way for packets that are too short */
};

#define PACKET_DATA(frame) ((void *)(long)(frame)->xdp->data)
#define PACKET_END(frame) ((void *)(long)(frame)->xdp->data_end)

/* Where `size` bytes at `at` are, or NULL outside of the frame. */
static __always_inline void *frame_at(const struct frame *frame, __u32 at, __u32 size)
{
	void *data = (void *)(long)frame->xdp->data, *end = (void *)(long)frame->xdp->data_end;

	if (at > 0x1fff)
		return NULL;
	asm volatile("" : "+r"(at)); /* or the compiler folds the bound into the sum, and the verifier loses it */
	data += at;
	return data + size > end ? NULL : data;
}

static __always_inline long frame_load(const struct frame *frame, __u32 at, void *to, __u32 size)
{
	const void *from = frame_at(frame, at, size);

	if (!from)
		return -1;
	__builtin_memcpy(to, from, size);
	return 0;
}

static __always_inline long frame_store(const struct frame *frame, __u32 at, const void *from, __u32 size)
{
	void *to = frame_at(frame, at, size);

	if (!to)
		return -1;
	__builtin_memcpy(to, from, size);
	return 0;
}

/* Unlike tc's it leaves the Ethernet header where it was: both programs write a new one. */
static __always_inline long frame_adjust_room(struct frame *frame, __s32 more)
{
	frame->len += more;
	return bpf_xdp_adjust_head(frame->xdp, -more);
}

/* What no packet of the benchmarks needs. */
static __always_inline long frame_refuse(const struct frame *frame __attribute__((unused)), __u64 a __attribute__((unused)),
					 __u64 b __attribute__((unused)), __u64 c __attribute__((unused)),
					 __u64 d __attribute__((unused)))
{
	return -1;
}

/* Direct where the place is known when compiling. Else by the helper: the verifier would follow each branch of each pass of a loop. */
#define FIXED(place, size) __builtin_choose_expr(__builtin_constant_p(place) && __builtin_constant_p(size), (size) <= 88, 0)
#define FIXED_SIZE(place, size) __builtin_choose_expr(FIXED(place, size), size, 1)
#define bpf_skb_load_bytes(skb, place, to, size)                                                                 \
	(FIXED(place, size) ? frame_load(skb, place, to, FIXED_SIZE(place, size))                                \
			    : bpf_xdp_load_bytes((skb)->xdp, place, to, size))
#define bpf_skb_store_bytes(skb, place, from, size, flags)                                                       \
	(FIXED(place, size) ? frame_store(skb, place, from, FIXED_SIZE(place, size))                             \
			    : bpf_xdp_store_bytes((skb)->xdp, place, (void *)(from), size))
#define bpf_skb_adjust_room(skb, more, mode, flags) ((void)(flags), frame_adjust_room(skb, more))
#define bpf_skb_pull_data(skb, length) frame_refuse(skb, length, 0, 0, 0)
#define bpf_skb_change_tail(skb, length, flags) frame_refuse(skb, length, flags, 0, 0)
#define bpf_l3_csum_replace(skb, at, from, to, flags) frame_refuse(skb, at, from, to, flags)
#define bpf_l4_csum_replace(skb, at, from, to, flags) frame_refuse(skb, at, from, to, flags)
#define bpf_check_mtu(skb, ifindex, mtu, more, flags) bpf_check_mtu((skb)->xdp, ifindex, mtu, more, 0)
#define __sk_buff frame
#define HOOK "xdp"
#define CONTEXT xdp_md
#define FORWARDED XDP_REDIRECT
#define DONE XDP_TX

#endif
