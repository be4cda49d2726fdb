// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An appliance fed without a load balancer: one fixed GENEVE header on everything, taken off again. No flows, no checks, no choice. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/geneve.h"

#define AF_INET 2
#define FEEDER bpf_htonl(0xa9fe4d01)    /* 169.254.77.1 */
#define APPLIANCE bpf_htonl(0xa9fe4d02) /* 169.254.77.2 */
#define PUSH (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP)
#define STRIP (BPF_F_ADJ_ROOM_FIXED_GSO | DECAP_L3_IPV4)

static __always_inline int onward(struct __sk_buff *skb, __be32 source, __be32 destination)
{
	struct bpf_fib_lookup find = {.family = AF_INET, .ifindex = skb->ifindex, .ipv4_src = source, .ipv4_dst = destination};
	struct ethhdr eth = {.h_proto = bpf_htons(ETH_P_IP)};

	if (bpf_fib_lookup(skb, &find, sizeof(find), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return TC_ACT_SHOT;
	__builtin_memcpy(eth.h_dest, find.dmac, ETH_ALEN);
	__builtin_memcpy(eth.h_source, find.smac, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0))
		return TC_ACT_SHOT;
	return bpf_redirect(find.ifindex, 0);
}

SEC("push")
int feed(struct __sk_buff *skb)
{
	const struct tunnel_ends ends = {
		.source = FEEDER, .destination = APPLIANCE, .port = 7, .protocol = ETH_P_IP, .endpoint = 7, .cookie = 7};
	__u32 length = skb->len - ETH_HLEN;
	struct tunnel tunnel;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	tunnel_fill(&tunnel, length, &ends);
	if (bpf_skb_adjust_room(skb, ENCAP_LEN, BPF_ADJ_ROOM_MAC, PUSH) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &tunnel, sizeof(tunnel), 0))
		return TC_ACT_SHOT;
	return onward(skb, FEEDER, APPLIANCE);
}

SEC("strip")
int take(struct __sk_buff *skb)
{
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->len < ETH_HLEN + ENCAP_LEN + sizeof(ip))
		return TC_ACT_OK;
	if (bpf_skb_adjust_room(skb, -ENCAP_LEN, BPF_ADJ_ROOM_MAC, STRIP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return TC_ACT_SHOT;
	return onward(skb, ip.saddr, ip.daddr);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
