// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The kernel's count of timer ticks, for user space, which has no other way to it: written into the frame of a test run. Attached to nothing.
 *
 * Programs read this count instead of a clock (flow_now() in lib/flow.h); user space tells them once what it is in CLOCK_MONOTONIC.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int clock(struct __sk_buff *skb)
{
	__u64 ticks = bpf_jiffies64();

	return bpf_skb_store_bytes(skb, ETH_HLEN, &ticks, sizeof(ticks), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
