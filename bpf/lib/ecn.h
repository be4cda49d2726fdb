/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Explicit congestion notification at the end of a tunnel: RFC 6040, 4.2.
 *
 * Contract: ecn_decapsulate() brings a mark of the outer header into the inner packet at `at`, with the inner header's checksum. -1: the
 * mark is congestion but the inner packet is not ECN-capable, so that dropping it is the only way to tell its sender. An appliance that
 * writes an outer header of its own, without ECN, leaves the inner packet as it is. Pointers into the packet become invalid.
 */
#ifndef OPENGWLB_ECN_H
#define OPENGWLB_ECN_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "parse.h"

#define ECN_MASK 3
enum ecn { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3 };

#define ECN_IPV4_CHECKSUM 10
#define ECN_IPV6_SHIFT 4 /* in the second byte of the header */

static __always_inline int ecn_write(struct __sk_buff *skb, __u32 at, __u8 family, __u8 from, __u8 to)
{
	__u8 first[2], old[2];

	if (bpf_skb_load_bytes(skb, at, old, sizeof(old)))
		return -1;
	first[0] = old[0];
	if (family == 6) {
		first[1] = old[1] ^ (from ^ to) << ECN_IPV6_SHIFT;
		return bpf_skb_store_bytes(skb, at, first, sizeof(first), BPF_F_RECOMPUTE_CSUM) ? -1 : 0;
	}
	first[1] = old[1] ^ from ^ to;
	if (bpf_l3_csum_replace(skb, at + ECN_IPV4_CHECKSUM, *(__u16 *)old, *(__u16 *)first, sizeof(first)))
		return -1;
	return bpf_skb_store_bytes(skb, at, first, sizeof(first), 0) ? -1 : 0;
}

static __always_inline int ecn_decapsulate(struct __sk_buff *skb, __u32 at, const struct packet *inner, __u8 outer_class)
{
	__u8 outer = outer_class & ECN_MASK, ecn = inner->traffic_class & ECN_MASK;

	if (outer == ECN_CE) {
		if (ecn == ECN_NOT_ECT)
			return -1;
		return ecn == ECN_CE ? 0 : ecn_write(skb, at, inner->family, ecn, ECN_CE);
	}
	if (outer == ECN_ECT_1 && ecn == ECN_ECT_0)
		return ecn_write(skb, at, inner->family, ECN_ECT_0, ECN_ECT_1);
	return 0;
}

#endif
