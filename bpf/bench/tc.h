/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The programs as they are attached, but that the kernel does not mark the packet as a tunnel's.
 *
 * It would keep that mark after the header was taken off again, and refuse the next push of the same packet. What is left out is the
 * bookkeeping of inner offsets: a few stores.
 */
#ifndef OPENGWLB_BENCH_TC_H
#define OPENGWLB_BENCH_TC_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#define UNMARKED (~(__u64)(BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP))
#define bpf_skb_adjust_room(skb, more, mode, flags) bpf_skb_adjust_room(skb, more, mode, (flags) & UNMARKED)

#define HOOK "tc"
#define CONTEXT __sk_buff
#define FORWARDED TC_ACT_REDIRECT
#define DONE TC_ACT_OK

#endif
