/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What user space settles for every table of flows before anything is attached: the key of their hashes, and the clock.
 *
 * Contract: flow_settled() answers the settings, all zeros before user space has written them; flow_now() is for all who compare times of
 * flows.
 */
#ifndef OPENGWLB_SETTINGS_H
#define OPENGWLB_SETTINGS_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_settings);
} flow_settings SEC(".maps");

static __always_inline const struct flow_settings *flow_settled(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&flow_settings, &zero);
}

/* The clock of flows: CLOCK_MONOTONIC in steps of a timer tick. jiffies cost nothing, asking the clock 23 ns. */
static __always_inline __u64 flow_now(void)
{
	const struct flow_settings *settings = flow_settled();

	return settings ? settings->clock_base_ns + bpf_jiffies64() * settings->clock_tick_ns : 0;
}

static __always_inline __u64 pair(__u32 high, __u32 low)
{
	return (__u64)high << 32 | low;
}

#endif
