/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One verdict per packet, counted by the port it came in by.
 *
 * Contract: every path through a program calls count() exactly once; in = out + drops holds for each port.
 */
#ifndef OPENGWLB_COUNT_H
#define OPENGWLB_COUNT_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, struct port_verdict);
	__type(value, struct counter);
} counters SEC(".maps");

static __always_inline void count(struct __sk_buff *skb, __u32 verdict)
{
	struct port_verdict key = {.ifindex = skb->ifindex, .verdict = verdict};
	struct counter *row = bpf_map_lookup_elem(&counters, &key);
	__u32 packets = skb->gso_segs ?: 1;
	__u64 bytes = skb->len - ETH_HLEN;

	if (row) { /* per CPU, and tc programs do not interrupt each other there */
		row->packets += packets;
		row->bytes += bytes;
	} else {
		struct counter first = {.packets = packets, .bytes = bytes};

		bpf_map_update_elem(&counters, &key, &first, BPF_NOEXIST);
	}
}

#endif
