/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Checksums: of a header that we write, and of a TCP header whose MSS we lower.
 *
 * Contract: clamp_mss() keeps a right checksum right and an unfinished one (CHECKSUM_PARTIAL) unfinished; it makes pointers into the
 * packet invalid.
 */
#ifndef OPENGWLB_CSUM_H
#define OPENGWLB_CSUM_H

#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TCP_HEADER 20
#define TCP_CHECKSUM_AT 16
#define TCP_OPTIONS_MAX 40
#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2

/* Of a header without options whose checksum field is 0. */
static __always_inline __u16 ipv4_header_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* Lowers the MSS option of the TCP header at `tcp` to at most `most`. A function of its own: its buffer would not fit the caller's
 * stack. Without the option nothing happens: the other side then sends 536 bytes at most (RFC 9293, 3.7.1). */
__noinline int clamp_mss(struct __sk_buff *skb, __u32 tcp, __u32 most)
{
	__u8 options[TCP_OPTIONS_MAX] = {};
	__u32 at = 0, length;
	__be16 old, new;
	__u8 offset;

	if (bpf_skb_load_bytes(skb, tcp + 12, &offset, 1))
		return 0;
	length = (offset >> 4) * 4;
	if (length <= TCP_HEADER || length > TCP_HEADER + TCP_OPTIONS_MAX)
		return 0;
	length -= TCP_HEADER;
	if (bpf_skb_load_bytes(skb, tcp + TCP_HEADER, options, length))
		return 0;
	for (int i = 0; i < TCP_OPTIONS_MAX; i++) {
		if (at + 4 > length || at > TCP_OPTIONS_MAX - 4 || options[at] == TCP_OPTION_END)
			return 0;
		if (options[at] == TCP_OPTION_NOP) {
			at++;
			continue;
		}
		if (options[at] != TCP_OPTION_MSS) {
			if (options[at + 1] < 2)
				return 0;
			at += options[at + 1];
			continue;
		}
		if (options[at + 1] != 4 || (options[at + 2] << 8 | options[at + 3]) <= most)
			return 0;
		old = bpf_htons(options[at + 2] << 8 | options[at + 3]);
		new = bpf_htons(most);
		if (bpf_skb_store_bytes(skb, tcp + TCP_HEADER + at + 2, &new, sizeof(new), 0))
			return -1;
		/* The checksum is a sum of 16-bit words: at an odd place the halves have changed their roles (RFC 1071, 2.B). */
		if (at & 1) {
			old = __builtin_bswap16(old);
			new = __builtin_bswap16(new);
		}
		return bpf_l4_csum_replace(skb, tcp + TCP_CHECKSUM_AT, old, new, sizeof(new));
	}
	return 0;
}

#endif
