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
	__u32 data, data_end; /* 0: programs that read packets by pointers cannot be built this way */
};

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
	const void *from;

	/* Also at places that are read from the packet: the verifier would follow each branch of each pass of a loop. */
	if (!__builtin_constant_p(size) || !__builtin_constant_p(at))
		return bpf_xdp_load_bytes(frame->xdp, at, to, size);
	from = frame_at(frame, at, size);
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
static __always_inline long frame_refuse(void)
{
	return -1;
}

#define bpf_skb_load_bytes(skb, at, to, size) frame_load(skb, at, to, size)
#define bpf_skb_store_bytes(skb, at, from, size, flags) frame_store(skb, at, from, size)
#define bpf_skb_adjust_room(skb, more, mode, flags) ((void)(flags), frame_adjust_room(skb, more))
#define bpf_skb_pull_data(skb, length) frame_refuse()
#define bpf_skb_change_tail(skb, length, flags) frame_refuse()
#define bpf_l4_csum_replace(skb, at, from, to, flags) frame_refuse()
#define bpf_check_mtu(skb, ifindex, mtu, more, flags) bpf_check_mtu((skb)->xdp, ifindex, mtu, more, 0)
#define __sk_buff frame
/* A global function could not follow the frame's pointer to its packet. */
#undef __noinline
#define __noinline static __attribute__((noinline))

#define HOOK "xdp"
#define CONTEXT xdp_md
#define FORWARDED XDP_REDIRECT
#define DONE XDP_TX

#endif
