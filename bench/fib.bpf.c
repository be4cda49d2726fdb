// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The baseline of `make bench`: what any box must do at least. Ask the kernel's FIB, rewrite MACs and TTL, redirect. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2

SEC("tc")
int fib(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ttl <= 1)
		return TC_ACT_OK;
	struct bpf_fib_lookup find = {
		.family = AF_INET,
		.ifindex = skb->ifindex,
		.ipv4_src = ip->saddr,
		.ipv4_dst = ip->daddr,
	};
	if (bpf_fib_lookup(skb, &find, sizeof(find), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return TC_ACT_OK;
	__u32 sum = ip->check + bpf_htons(0x0100);
	ip->check = sum + (sum >> 16);
	ip->ttl--;
	__builtin_memcpy(eth->h_dest, find.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, find.smac, ETH_ALEN);
	return bpf_redirect(find.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
