// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What single things cost on this machine, by themselves: each program does one thing EIGHT times, or follows a chain of memory lines. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define EIGHT_TIMES(...)                                                                       \
	{ __VA_ARGS__ } { __VA_ARGS__ } { __VA_ARGS__ } { __VA_ARGS__ } { __VA_ARGS__ }        \
	{ __VA_ARGS__ } { __VA_ARGS__ } { __VA_ARGS__ }
#define LINES (1 << 21)

struct cost_line {
	__u32 next;
	__u32 pad[15];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LINES);
	__type(key, __u32);
	__type(value, struct cost_line);
} cost_lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cost_line);
} cost_at SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} cost_hash SEC(".maps");

static __attribute__((noinline)) int called(volatile __u64 *sum)
{
	return (int)++*sum;
}

SEC("tc")
int cost_nothing(struct __sk_buff *skb __attribute__((unused)))
{
	volatile __u64 sum = 0;

	EIGHT_TIMES(asm volatile("" ::: "memory");)
	return sum != 0;
}

SEC("tc")
int cost_call(struct __sk_buff *skb __attribute__((unused)))
{
	volatile __u64 sum = 0;

	EIGHT_TIMES(called(&sum);)
	return sum == 0;
}

SEC("tc")
int cost_hash_lookup(struct __sk_buff *skb __attribute__((unused)))
{
	volatile __u64 sum = 0;
	__u32 key = 1;

	EIGHT_TIMES(const __u64 *found = bpf_map_lookup_elem(&cost_hash, &key); sum += found ? *found : 0;)
	return sum == 0;
}

SEC("tc")
int cost_array_lookup(struct __sk_buff *skb __attribute__((unused)))
{
	volatile __u64 sum = 0;
	__u32 key = 1;

	EIGHT_TIMES(const struct cost_line *found = bpf_map_lookup_elem(&cost_lines, &key); sum += found ? found->next : 0;)
	return sum != 0;
}

SEC("tc")
int cost_copy(struct __sk_buff *skb)
{
	volatile __u64 sum = 0;
	__u8 header[20];

	EIGHT_TIMES(bpf_skb_load_bytes(skb, ETH_HLEN, header, sizeof(header)); sum += header[3];)
	return sum != 0;
}

SEC("tc")
int cost_clock(struct __sk_buff *skb __attribute__((unused)))
{
	volatile __u64 sum = 0;

	EIGHT_TIMES(sum += bpf_ktime_get_coarse_ns();)
	return sum == 0;
}

SEC("tc")
int cost_redirect(struct __sk_buff *skb __attribute__((unused)))
{
	volatile __u64 sum = 0;

	EIGHT_TIMES(sum += bpf_redirect(1, 0);)
	return sum == 0;
}

/* The next line is known when this one was read: nothing overlaps, as between a flow's hash and its slot. */
SEC("tc")
int cost_line(struct __sk_buff *skb __attribute__((unused)))
{
	const __u32 zero = 0;
	struct cost_line *at = bpf_map_lookup_elem(&cost_at, &zero), *line;

	if (!at)
		return 1;
	EIGHT_TIMES(
		line = bpf_map_lookup_elem(&cost_lines, &at->next);
		if (!line)
			return 1;
		*(volatile __u32 *)&at->next = *(volatile __u32 *)&line->next;
	)
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
