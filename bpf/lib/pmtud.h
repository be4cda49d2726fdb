/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Path MTU discovery: a packet that is too big becomes the ICMP message that tells its sender so (RFC 1191, RFC 8201).
 *
 * Contract: pmtud_answer() turns the packet, a super-packet too, into "fragmentation needed" or "packet too big" with the MTU of 8500, from
 * the packet's destination to its source, ready to leave by the port it came in by. -1: it must not be answered (IPv4 without DF, a
 * fragment, an ICMP error, a sender that is no host) or its sender had its answers of this second, and the caller drops it.
 *
 * From the destination: a VPC's router carries it to the sender from any source, an internet gateway translates it because that
 * address has a public one exactly when the packet it speaks of came from the internet, and hosts do not ask who sent it.
 */
#ifndef OPENGWLB_PMTUD_H
#define OPENGWLB_PMTUD_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"
#include "csum.h"
#include "flow.h"
#include "geneve.h"
#include "icmp.h"
#include "parse.h"

#define PMTUD_ANSWERS_A_SECOND 100 /* to one sender */
#define PMTUD_SENDERS 4096
#define PMTUD_TTL 64
#define PMTUD_PRECEDENCE 0xc0 /* internetwork control, RFC 1812, 4.3.2.5 */
/* Quoted bytes: with the headers below 576 (RFC 1812, 4.3.2.3) and exactly 1280 (RFC 4443, 2.4). Four equal pieces of whole words. */
#define PMTUD_QUOTE_V4 528
#define PMTUD_QUOTE_V6 1232
#define PMTUD_PIECES 4
#define PMTUD_CUT 512 /* more than any header that a checksum could be unfinished in */
#define ICMP_UNREACHABLE 3
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMP6_TOO_BIG 2

struct icmp_too_big {
	__u8 type, code;
	__u16 checksum;
	__be32 mtu; /* IPv4: 16 unused bits, then the MTU */
};

struct pmtud_answer_v4 {
	struct iphdr ip;
	struct icmp_too_big icmp;
	__u8 quote[PMTUD_QUOTE_V4];
};

struct pmtud_answer_v6 {
	struct ipv6hdr ip;
	struct icmp_too_big icmp;
	__u8 quote[PMTUD_QUOTE_V6];
};

union pmtud_scratch {
	struct pmtud_answer_v4 v4;
	struct pmtud_answer_v6 v6;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, union pmtud_scratch);
} pmtud_scratches SEC(".maps");

struct pmtud_sender {
	__u64 endpoint;
	__u32 address[4];
};

struct pmtud_window {
	__u64 began_ns;
	__u64 answers;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PMTUD_SENDERS);
	__type(key, struct pmtud_sender);
	__type(value, struct pmtud_window);
} pmtud_senders SEC(".maps");

static __always_inline int pmtud_within_rate(const struct packet *packet, __u64 endpoint)
{
	struct pmtud_sender sender = {.endpoint = endpoint};
	struct pmtud_window first = {.began_ns = bpf_ktime_get_coarse_ns(), .answers = 1}, *window;

	__builtin_memcpy(sender.address, packet->source, sizeof(sender.address));
	window = bpf_map_lookup_elem(&pmtud_senders, &sender);
	if (window && first.began_ns - window->began_ns < FLOW_NS_PER_S)
		return __sync_fetch_and_add(&window->answers, 1) < PMTUD_ANSWERS_A_SECOND;
	bpf_map_update_elem(&pmtud_senders, &sender, &first, BPF_ANY);
	return 1;
}

static __always_inline int pmtud_may_answer(struct __sk_buff *skb, const struct packet *packet)
{
	__be16 place;

	if (packet->fragment || is_icmp_error(skb, packet) || segment_length(skb, packet) <= INNER_MTU)
		return 0;
	if (packet->family == 6)
		return (packet->source[0] | packet->source[1] | packet->source[2] | packet->source[3]) != 0;
	return !bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, frag_off), &place, sizeof(place)) &&
	       place & bpf_htons(IP4_DONT_FRAGMENT);
}

/* The folded sum of `size` bytes (four times a multiple of four) onto `sum`. */
static __always_inline __u16 pmtud_checksum(const void *data, __u32 size, __s64 sum)
{
	for (__u32 i = 0; i < PMTUD_PIECES; i++)
		sum = bpf_csum_diff(NULL, 0, (__be32 *)(data + i * (size / PMTUD_PIECES)), size / PMTUD_PIECES, (__u32)sum);
	sum = (sum & 0xffff) + ((__u32)sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline int pmtud_write_v4(struct __sk_buff *skb, const struct packet *packet, struct pmtud_answer_v4 *answer)
{
	__s64 sum;

	__builtin_memset(&answer->ip, 0, sizeof(answer->ip));
	answer->ip.version = 4;
	answer->ip.ihl = 5;
	answer->ip.tos = PMTUD_PRECEDENCE;
	answer->ip.tot_len = bpf_htons(sizeof(*answer));
	answer->ip.frag_off = bpf_htons(IP4_DONT_FRAGMENT);
	answer->ip.ttl = PMTUD_TTL;
	answer->ip.protocol = IPPROTO_ICMP;
	answer->ip.saddr = packet->destination[0];
	answer->ip.daddr = packet->source[0];
	answer->ip.check = ipv4_header_checksum(&answer->ip);
	answer->icmp.type = ICMP_UNREACHABLE;
	answer->icmp.code = ICMP_FRAGMENTATION_NEEDED;
	answer->icmp.checksum = 0;
	answer->icmp.mtu = bpf_htonl(INNER_MTU);
	if (bpf_skb_load_bytes(skb, ETH_HLEN, answer->quote, sizeof(answer->quote)))
		return -1;
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->icmp, sizeof(answer->icmp), 0);
	answer->icmp.checksum = pmtud_checksum(answer->quote, sizeof(answer->quote), sum);
	return 0;
}

static __always_inline int pmtud_write_v6(struct __sk_buff *skb, const struct packet *packet, struct pmtud_answer_v6 *answer)
{
	const __u32 payload = sizeof(answer->icmp) + sizeof(answer->quote);
	__be32 pseudo[2] = {bpf_htonl(payload), bpf_htonl(PROTOCOL_ICMPV6)};
	__s64 sum;

	__builtin_memset(&answer->ip, 0, sizeof(answer->ip));
	answer->ip.version = 6;
	answer->ip.payload_len = bpf_htons(payload);
	answer->ip.nexthdr = PROTOCOL_ICMPV6;
	answer->ip.hop_limit = PMTUD_TTL;
	__builtin_memcpy(&answer->ip.saddr, packet->destination, sizeof(answer->ip.saddr));
	__builtin_memcpy(&answer->ip.daddr, packet->source, sizeof(answer->ip.daddr));
	answer->icmp.type = ICMP6_TOO_BIG;
	answer->icmp.code = 0;
	answer->icmp.checksum = 0;
	answer->icmp.mtu = bpf_htonl(INNER_MTU);
	if (bpf_skb_load_bytes(skb, ETH_HLEN, answer->quote, sizeof(answer->quote)))
		return -1;
	sum = bpf_csum_diff(NULL, 0, pseudo, sizeof(pseudo), 0);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->ip.saddr, 2 * sizeof(answer->ip.saddr), (__u32)sum);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->icmp, sizeof(answer->icmp), (__u32)sum);
	answer->icmp.checksum = pmtud_checksum(answer->quote, sizeof(answer->quote), sum);
	return 0;
}

/* Trimming takes the packet's segments away. An unfinished checksum would still be finished by whoever sends the answer, right in the
 * middle of it; the kernel forgets about that only when bytes are taken away up to behind where it begins. */
static __always_inline long pmtud_resize(struct __sk_buff *skb, __u32 length)
{
	return bpf_skb_change_tail(skb, length, 0) ?: bpf_skb_adjust_room(skb, -PMTUD_CUT, BPF_ADJ_ROOM_MAC, 0) ?:
							      bpf_skb_change_tail(skb, length, 0);
}

/* A function of its own, for its stack. */
__noinline int pmtud_answer(struct __sk_buff *skb, const struct packet *packet, const struct endpoint_config *endpoint)
{
	const __u32 zero = 0;
	union pmtud_scratch *scratch = bpf_map_lookup_elem(&pmtud_scratches, &zero);
	struct ethhdr eth = {};

	if (!packet || !endpoint || !scratch || !pmtud_may_answer(skb, packet) || !pmtud_within_rate(packet, endpoint->endpoint))
		return -1;
	__builtin_memcpy(eth.h_dest, endpoint->peer_mac, ETH_ALEN);
	__builtin_memcpy(eth.h_source, endpoint->mac, ETH_ALEN);
	eth.h_proto = packet->family == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (packet->family == 4) {
		if (pmtud_write_v4(skb, packet, &scratch->v4) || pmtud_resize(skb, ETH_HLEN + sizeof(scratch->v4)) ||
		    bpf_skb_store_bytes(skb, ETH_HLEN, &scratch->v4, sizeof(scratch->v4), 0))
			return -1;
	} else {
		if (pmtud_write_v6(skb, packet, &scratch->v6) || pmtud_resize(skb, ETH_HLEN + sizeof(scratch->v6)) ||
		    bpf_skb_store_bytes(skb, ETH_HLEN, &scratch->v6, sizeof(scratch->v6), 0))
			return -1;
	}
	return bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0) ? -1 : 0;
}

#endif
