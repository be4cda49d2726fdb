/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One verdict per packet, counted by the port it came in by.
 *
 * Contract: every path through a program counts exactly once; in = out + drops holds for each port. A packet counts as it arrived:
 * a program that changes its length takes the arrival() first and calls count_arrival(), all others call count(). What is dropped
 * is sampled (lib/sample.h). A program that defines ORDINARY before it includes this names the verdict that nearly all its packets meet:
 * an array counts that one, in 3 ns where a hash takes 32.
 */
#ifndef OPENGWLB_COUNT_H
#define OPENGWLB_COUNT_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "sample.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct port_verdict);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct passed_counter);
} passed SEC(".maps");

#ifndef ORDINARY
#define ORDINARY VERDICT_MAX /* none */
#endif

/* Ethernet, IPv4 and TCP with its timestamp option: what the segments of nearly every super-packet share. */
#define GSO_HEADERS (ETH_HLEN + 20 + 32)

/* bpf_skb_adjust_room() forgets the number of segments, so behind the load balancer it is worked out from their size. */
static __always_inline struct counter arrival(const struct __sk_buff *skb)
{
	struct counter one = {.packets = 1, .bytes = skb->len - ETH_HLEN};

	if (skb->gso_segs)
		one.packets = skb->gso_segs;
	else if (skb->gso_size && skb->len > GSO_HEADERS)
		one.packets = (skb->len - GSO_HEADERS + skb->gso_size - 1) / skb->gso_size;
	return one;
}

static __always_inline void count_ordinary(__u32 ifindex, const struct counter *one)
{
	const __u32 place = ifindex % PORTS;
	struct passed_counter *row = bpf_map_lookup_elem(&passed, &place);

	if (!row)
		return;
	if (row->ifindex != ifindex) { /* of a port that is gone */
		row->ifindex = ifindex;
		row->verdict = ORDINARY;
		row->packets = 0;
		row->bytes = 0;
	}
	row->packets += one->packets;
	row->bytes += one->bytes;
}

static __always_inline void count_arrival(struct __sk_buff *skb, const struct counter *one, __u32 verdict)
{
	/* Clang would keep the address of a field for all the places that count; the kernel wants the context's own. */
	asm volatile("" : "+r"(skb));

	struct port_verdict key = {.verdict = verdict};
	__u32 ifindex = skb->ifindex;
	struct counter *row;

	asm volatile("" : "+r"(ifindex)); /* nor is it to read it twice */
	if (verdict == ORDINARY) {
		count_ordinary(ifindex, one);
		return;
	}
	key.ifindex = ifindex;
	row = bpf_map_lookup_elem(&counters, &key);
	if (row) { /* per CPU, and tc programs do not interrupt each other there */
		row->packets += one->packets;
		row->bytes += one->bytes;
	} else {
		bpf_map_update_elem(&counters, &key, one, BPF_NOEXIST);
	}
	if (is_drop(verdict) && sample_is_wanted(ifindex, verdict))
		sample_drop(skb, verdict, (__u32)one->bytes);
}

static __always_inline void count(struct __sk_buff *skb, __u32 verdict)
{
	struct counter one = arrival(skb);

	count_arrival(skb, &one, verdict);
}

#endif
