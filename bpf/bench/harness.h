/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What stands round a program while BPF_PROG_TEST_RUN repeats it: each packet gets its flow's addresses, and what the program did to it is
 * undone. Plain repetition would measure something else from the second packet on, when the program meets its own header.
 *
 * Contract: user space sets bench_state before a run and reads from it how many packets were forwarded: a run of drops is not speed.
 * Three programs stand round the same wrapper: the load balancer's (…_real), one that adds or strips 68 bytes and nothing else (…_room),
 * and one that does nothing (…_bare).
 */
#ifndef OPENGWLB_BENCH_HARNESS_H
#define OPENGWLB_BENCH_HARNESS_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <shared/layout.h>

#define FIRST_ADDRESS 0x0b000000 /* 11.0.0.0 */
#define FIRST_PORT 1024
#define PORT_BITS 14
#define HEADERS (ETH_HLEN + ENCAP_LEN)
#define TEMPLATE 88 /* HEADERS in whole words */
#define COOKIE_AT (HEADERS - 4)
#define OUTER_SOURCE_AT (ETH_HLEN + 12)
#define RETURNS (1 << 20)
#ifdef OPENGWLB_BENCH_XDP_H
#define BENCH_LOST (ENCAP_LEN - 2)
#else
#define BENCH_LOST ETH_HLEN
#endif

/* bench_state: ARRAY[1], mirrored in bench/packets.py. */
struct bench_state {
	__u64 next;      /* packets so far */
	__u64 forwarded; /* by the program under test */
	__u32 mask;      /* number of flows - 1 */
	__u32 train;     /* as a power of two: how many packets in a row are one flow's */
	__u32 ifindex;   /* of the first port (XDP only: tc has its device's) */
	__u32 ports;     /* number of ports - 1, a mask: flows go round them (XDP only) */
	__u32 tcp_flags;
	__u32 record;           /* keep what the targets have to return */
	__u32 stride;           /* odd: from one flow to the next */
	__u8 headers[TEMPLATE]; /* Ethernet and, for returns, all that stands before the inner packet */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_state);
} bench_state SEC(".maps");

/* bench_returns: by number of the flow, its cookie and its target's address. */
struct bench_return {
	__be32 cookie;
	__be32 target;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RETURNS);
	__type(key, __u32);
	__type(value, struct bench_return);
} bench_returns SEC(".maps");

static __always_inline struct bench_state *bench_step(__u32 *flow)
{
	const __u32 zero = 0;
	struct bench_state *state = bpf_map_lookup_elem(&bench_state, &zero);

	if (state)
		*flow = (__u32)(state->next++ >> (state->train & 63)) * state->stride & state->mask;
	return state;
}

static __always_inline void bench_write_tuple(struct iphdr *ip, struct tcphdr *tcp, __u32 flow)
{
	ip->saddr = bpf_htonl(FIRST_ADDRESS + (flow >> PORT_BITS));
	tcp->source = bpf_htons(FIRST_PORT + (flow & ((1 << PORT_BITS) - 1)));
}

/* Ethernet header and inner addresses. */
static __always_inline int bench_write_plain(struct CONTEXT *context, const struct bench_state *state, __u32 flow)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end)
		return -1;
	__builtin_memcpy(data, state->headers, ETH_HLEN);
	bench_write_tuple(ip, tcp, flow);
	((__u8 *)tcp)[13] = state->tcp_flags;
	return 0;
}

/* What a return's headers lost, and its flow's part. XDP loses what the inner Ethernet header was written over; tc, which fills new room
 * with zeros, all of it. In words as they are read: a processor waits when it reads what is just being written in other pieces, and
 * packets from a device are not just being written. */
static __always_inline int bench_write_tunnel(struct CONTEXT *context, const struct bench_state *state, __u32 flow)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	const struct bench_return *back = bpf_map_lookup_elem(&bench_returns, &flow);
	struct iphdr *ip = data + HEADERS;
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end || !back)
		return -1;
	bench_write_tuple(ip, tcp, flow);
	for (int at = BENCH_LOST; at < COOKIE_AT; at += 4)
		*(volatile __u32 *)(data + at) = *(const __u32 *)(state->headers + at);
	*(volatile __u32 *)(data + OUTER_SOURCE_AT) = back->target;
	*(volatile __u32 *)(data + COOKIE_AT) = back->cookie;
	return 0;
}

static __always_inline void bench_record(struct CONTEXT *context, __u32 flow)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct bench_return *back = bpf_map_lookup_elem(&bench_returns, &flow);

	if (data + HEADERS > end || !back)
		return;
	__builtin_memcpy(&back->target, data + OUTER_SOURCE_AT + 4, 4);
	__builtin_memcpy(&back->cookie, data + COOKIE_AT, 4);
}

#ifdef OPENGWLB_BENCH_XDP_H
static __always_inline struct frame bench_packet(struct xdp_md *xdp, const struct bench_state *state, __u32 flow)
{
	struct frame frame = {
		.xdp = xdp,
		.ifindex = state->ifindex + (flow & state->ports),
		.len = xdp->data_end - xdp->data,
		.protocol = bpf_htons(ETH_P_IP),
	};

	return frame;
}
#define BENCH_PACKET(context, state, flow) struct frame packet __attribute__((unused)) = bench_packet(context, state, flow)
#define PACKET (&packet)
#define bench_room(context, more) bpf_xdp_adjust_head(context, -(more))
#else
#define BENCH_PACKET(context, state, flow)
#define PACKET context
#define bench_room(context, more) bpf_skb_adjust_room(context, more, BPF_ADJ_ROOM_MAC, 0)
#endif

#endif
