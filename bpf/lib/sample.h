/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The beginnings of the last packets that each drop verdict took, for people to look at.
 *
 * Contract: sample_drop() keeps what the packet holds now; nobody has to read it. At most SAMPLES of a port and verdict are kept in one
 * SAMPLE_WINDOW by each CPU, so a flood costs a look-up in an array each and the memory stays what it is. A row is written without a lock: a sample whose
 * `begun` and `done` differ was being written while it was read.
 */
#ifndef OPENGWLB_SAMPLE_H
#define OPENGWLB_SAMPLE_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "../shared/verdicts.h"

#define SAMPLED_ROWS 1024
#define SAMPLE_WINDOW 25 /* timer ticks: 25 to 250 ms */
#define SAMPLE_PLACES 4096

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SAMPLED_ROWS);
	__type(key, struct port_verdict);
	__type(value, struct drop_samples);
} samples SEC(".maps");

/* Verdicts of kind DROP as bits, so that what passes pays one test of a constant. */
#define SAMPLE_BIT_PASS(number) 0
#define SAMPLE_BIT_REPLY(number) 0
#define SAMPLE_BIT_STACK(number) 0
#define SAMPLE_BIT_DROP(number) (1ULL << ((number) & 63))
#define V(number, name, kind, sentence) | ((number) < 64 ? SAMPLE_BIT_##kind(number) : 0)
static const __u64 drops_low = 0ULL VERDICTS(V);
#undef V
#define V(number, name, kind, sentence) | ((number) >= 64 ? SAMPLE_BIT_##kind(number) : 0)
static const __u64 drops_high = 0ULL VERDICTS(V);
#undef V
_Static_assert(VERDICT_MAX <= 128, "two words of bits");

static __always_inline int is_drop(__u32 verdict)
{
	return (verdict < 64 ? drops_low : drops_high) >> (verdict & 63) & 1;
}

static const struct drop_samples no_samples = {};

/* Who was sampled last by this CPU, in places that several may share. */
struct sample_window {
	__u32 ifindex;
	__u32 verdict;
	__u64 began; /* ticks */
	__u64 taken;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SAMPLE_PLACES);
	__type(key, __u32);
	__type(value, struct sample_window);
} sample_windows SEC(".maps");

static __always_inline int sample_is_wanted(__u32 ifindex, __u32 verdict)
{
	__u32 place = (ifindex * 131 + verdict) % SAMPLE_PLACES;
	struct sample_window *window = bpf_map_lookup_elem(&sample_windows, &place);
	__u64 now = bpf_jiffies64();

	if (!window)
		return 0;
	if (window->ifindex != ifindex || window->verdict != verdict || now - window->began > SAMPLE_WINDOW) {
		window->ifindex = ifindex;
		window->verdict = verdict;
		window->began = now;
		window->taken = 0;
	}
	return window->taken++ < SAMPLES;
}

/* Global, so that it is verified once and stays out of the way of what passes. Always 0. */
__noinline int sample_drop(struct __sk_buff *skb, __u32 verdict, __u32 length)
{
	struct port_verdict key = {.ifindex = skb->ifindex, .verdict = verdict};
	struct drop_samples *row = bpf_map_lookup_elem(&samples, &key);
	struct drop_sample *sample;
	__u32 kept = skb->len;
	__u64 number;

	if (!row) {
		bpf_map_update_elem(&samples, &key, &no_samples, BPF_NOEXIST); /* a failure shows in the next line */
		row = bpf_map_lookup_elem(&samples, &key);
		if (!row)
			return 0;
	}
	number = __sync_fetch_and_add(&row->taken, 1);
	sample = &row->last[number % SAMPLES];
	*(volatile __u64 *)&sample->begun = number + 1;
	if (kept > SAMPLE_BYTES)
		kept = SAMPLE_BYTES;
	if (!kept || bpf_skb_load_bytes(skb, 0, sample->head, kept))
		kept = 0;
	sample->at_ns = bpf_ktime_get_ns();
	sample->length = length;
	sample->kept = kept;
	*(volatile __u64 *)&sample->done = number + 1;
	return 0;
}

#endif
