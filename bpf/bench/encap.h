/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* endpoint.bpf.c inside the harness; the including file has chosen the hook. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "harness.h"

#include <lib/reset.h>

/* A wrapper's frame comes on top of the program's, and 512 bytes are all that there is. No packet here is answered with a reset. */
#define tcp_reset(skb, packet) (-1)

#include <endpoint.bpf.c>

static __attribute__((noinline)) int push_only(struct CONTEXT *context)
{
	const __u32 zero = 0;
	const struct bench_state *state = bpf_map_lookup_elem(&bench_state, &zero);
	void *data, *end;

	if (!state || bench_room(context, ENCAP_LEN))
		return -1;
	data = (void *)(long)context->data;
	end = (void *)(long)context->data_end;
	if (data + HEADERS > end)
		return -1;
	__builtin_memcpy(data, state->headers, HEADERS);
	return FORWARDED;
}

static __attribute__((noinline)) int nothing(struct CONTEXT *context)
{
	return context->data == context->data_end ? -1 : FORWARDED;
}

#define WRAP(name, call, undo)                                                         \
	SEC(HOOK)                                                                      \
	int name(struct CONTEXT *context)                                              \
	{                                                                              \
		__u32 flow = 0;                                                        \
		struct bench_state *state = bench_step(&flow);                         \
                                                                                       \
		if (!state || bench_write_plain(context, state, flow))                 \
			return -1;                                                     \
		BENCH_PACKET(context, state, flow);                                    \
		if ((call) != FORWARDED)                                               \
			return DONE;                                                   \
		state->forwarded++;                                                    \
		if (state->record)                                                     \
			bench_record(context, flow);                                   \
		if ((undo) && bench_room(context, -ENCAP_LEN))                         \
			return -1;                                                     \
		return DONE;                                                           \
	}

WRAP(NAME(encap_real), endpoint(PACKET), 1)
WRAP(NAME(encap_room), push_only(context), 1)
WRAP(NAME(encap_bare), nothing(context), 0)

SEC(HOOK)
int NAME(only)(struct CONTEXT *context __attribute__((unused)))
{
	return DONE;
}
