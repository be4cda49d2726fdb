// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A target that misbehaves on purpose: tcx ingress of the router's end of its ENI, before the VPC router's program, so that what the
 * target returns meets it first.
 *
 * Contract: without an entry, and after the entry's time, every packet goes on untouched; nobody has to take the program away for that.
 * What happens to the n-th return is decided by n and the entry's seed alone.
 *
 * A program cannot hold packets. What is to come late leaves by a TAP device to a process that holds it (dataplane/relay.py) and writes it
 * back, where chaos_back gives it to the port again. When that process is gone, or says nothing any more, packets pass undisturbed.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/count.h"
#include "lib/geneve.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

#define NEXT (-1) /* TCX_NEXT: the router's program */
#define DONE 0x6368616f /* in the mark of what comes by here again: a copy, or a packet that was held */
#define GENEVE_AT (ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))
#define FIRST_OPTION_AT (GENEVE_AT + sizeof(struct geneve_base))
#define COOKIE_OPTION_AT (FIRST_OPTION_AT + 24)
#define OTHER_GENERATION 0x80 /* in the cookie's first byte, which is the generation's */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CHAOS);
	__type(key, __u32);
	__type(value, struct chaos_config);
} chaos_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CHAOS);
	__type(key, __u32);
	__type(value, struct chaos_relay);
} chaos_relays SEC(".maps");

/* With its options where a load balancer puts them. */
static __always_inline int is_return(struct __sk_buff *skb)
{
	struct iphdr ip;
	struct udphdr udp;

	return skb->protocol == bpf_htons(ETH_P_IP) && !bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) && ip.ihl == 5 &&
	       ip.protocol == IPPROTO_UDP && !bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &udp, sizeof(udp)) &&
	       udp.dest == bpf_htons(GENEVE_PORT);
}

/* splitmix64, whose every bit depends on every bit of what went in. */
static __always_inline __u64 mixed(__u64 seed, __u64 number)
{
	__u64 value = seed + (number + 1) * 0x9e3779b97f4a7c15ULL;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
	return value ^ value >> 31;
}

/* An option that overruns, an unknown critical one, or one of AWS's with a wrong length. */
static __always_inline long corrupt_option(struct __sk_buff *skb, __u64 random)
{
	struct geneve_option option;

	if (bpf_skb_load_bytes(skb, FIRST_OPTION_AT, &option, sizeof(option)))
		return -1;
	switch (random >> 32 & 3) {
	case 0:
		option.class = 0xffff;
		option.type |= 0x80;
		break;
	case 1:
		option.length = 1;
		break;
	default:
		option.length = 0x1f;
	}
	return bpf_skb_store_bytes(skb, FIRST_OPTION_AT, &option, sizeof(option), 0);
}

static __always_inline long age_cookie(struct __sk_buff *skb)
{
	struct geneve_option option;
	__u8 first;

	if (bpf_skb_load_bytes(skb, COOKIE_OPTION_AT, &option, sizeof(option)) || option.class != bpf_htons(AWS_OPTION_CLASS) ||
	    option.type != AWS_OPTION_COOKIE || bpf_skb_load_bytes(skb, COOKIE_OPTION_AT + sizeof(option), &first, 1))
		return -1;
	first ^= OTHER_GENERATION;
	return bpf_skb_store_bytes(skb, COOKIE_OPTION_AT + sizeof(option), &first, 1, 0);
}

static __always_inline long duplicate(struct __sk_buff *skb)
{
	long error;

	skb->mark = DONE;
	error = bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	skb->mark = 0;
	return error;
}

static __always_inline int lose(struct __sk_buff *skb, struct chaos_config *chaos)
{
	__sync_fetch_and_add(&chaos->done, 1);
	count(skb, VERDICT_chaos_lost);
	return TC_ACT_SHOT;
}

/* Whether somebody would take it: a relay that beats, and, since one that died leaves its entry, its device. */
static __always_inline int is_held_by_someone(struct __sk_buff *skb, __u32 ifindex)
{
	const struct chaos_relay *relay = bpf_map_lookup_elem(&chaos_relays, &ifindex);
	__u32 mtu = 0;

	return relay && bpf_ktime_get_ns() < relay->beat_ns + CHAOS_BEAT_LIMIT_NS &&
	       bpf_check_mtu(skb, ifindex ^ CHAOS_TAP, &mtu, 0, 0) >= 0;
}

SEC("tc")
int chaos(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	struct chaos_config *chaos = bpf_map_lookup_elem(&chaos_ports, &ifindex);
	__u64 random;
	long error;

	if (skb->mark == DONE) {
		skb->mark = 0;
		return NEXT;
	}
	if (!chaos || bpf_ktime_get_ns() >= chaos->until_ns)
		return NEXT;
	if (chaos->kind != CHAOS_STALL && !is_return(skb))
		return NEXT;
	random = mixed(chaos->seed, __sync_fetch_and_add(&chaos->met, 1));
	if (chaos->kind == CHAOS_STALL || chaos->kind == CHAOS_LIE_ON_HEALTH)
		return lose(skb, chaos);
	if ((random & 0xffff) >= chaos->share)
		return NEXT;
	switch (chaos->kind) {
	case CHAOS_LOSE:
		return lose(skb, chaos);
	case CHAOS_SLOW:
	case CHAOS_REORDER:
		if (!is_held_by_someone(skb, ifindex))
			return NEXT;
		__sync_fetch_and_add(&chaos->done, 1);
		return bpf_redirect(ifindex ^ CHAOS_TAP, 0);
	case CHAOS_DUPLICATE:
		error = duplicate(skb);
		break;
	case CHAOS_CORRUPT_TLV:
		error = corrupt_option(skb, random);
		break;
	case CHAOS_STALE_COOKIE:
		error = age_cookie(skb);
		break;
	default:
		return NEXT;
	}
	if (!error)
		__sync_fetch_and_add(&chaos->done, 1);
	return NEXT;
}

/* tcx ingress of the TAP: what was held long enough goes on where it was taken. */
SEC("tc")
int chaos_back(struct __sk_buff *skb)
{
	skb->mark = DONE;
	return bpf_redirect(skb->ifindex ^ CHAOS_TAP, BPF_F_INGRESS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
