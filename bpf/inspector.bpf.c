// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An appliance in the kernel: tcx ingress of the instance's own end of its network interface. It filters by the inner tuple and returns
 * what it allows as a Gateway Load Balancer wants it back: outer addresses swapped, ports and GENEVE bytes as they came.
 *
 * Super-packets stay whole: nothing but Ethernet and IP headers is written.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include "lib/count.h"
#include "lib/csum.h"
#include "lib/geneve.h"
#include "lib/parse.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

/* "An option here is critical": none of AWS's is, so it is one that we do not know, and RFC 8926 (3.5) has us drop the packet. */
#define GENEVE_CRITICAL 0x40

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __u32);
	__type(value, struct inspector_policy);
} inspector_rules SEC(".maps");

static __always_inline int is_in(const __u32 address[4], const __be32 network[4], const __be32 mask[4])
{
	return !(((address[0] & mask[0]) ^ network[0]) | ((address[1] & mask[1]) ^ network[1]) | ((address[2] & mask[2]) ^ network[2]) |
		 ((address[3] & mask[3]) ^ network[3]));
}

static __always_inline int matches(const struct inspector_rule *rule, const struct packet *packet)
{
	__u16 port = bpf_ntohs(packet->destination_port);

	return (!rule->family || rule->family == packet->family) && is_in(packet->source, rule->source, rule->source_mask) &&
	       is_in(packet->destination, rule->destination, rule->destination_mask) &&
	       (!rule->protocol || rule->protocol == packet->protocol) && port >= rule->from_port && port <= rule->to_port;
}

static __always_inline int is_denied(const struct inspector_policy *policy, const struct packet *packet)
{
	for (int i = 0; i < INSPECTOR_RULES; i++) {
		const struct inspector_rule *rule = &policy->rules[i];

		if (!rule->used)
			break;
		if (matches(rule, packet))
			return rule->deny;
	}
	return 0;
}

static __always_inline __u32 inspect(struct __sk_buff *skb)
{
	const struct inspector_policy *policy;
	__u32 ifindex = skb->ifindex, length = skb->len - ETH_HLEN, at;
	struct geneve_base geneve;
	struct packet inner;
	struct ethhdr eth;
	struct udphdr udp;
	struct iphdr ip;
	__be32 address;
	__u8 mac[ETH_ALEN];

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present || bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    ip.protocol != IPPROTO_UDP || ip.frag_off & bpf_htons(IP4_FRAGMENT_OFFSET) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + ip.ihl * 4, &udp, sizeof(udp)) || udp.dest != bpf_htons(GENEVE_PORT))
		return VERDICT_inspector_not_geneve;
	at = ETH_HLEN + sizeof(ip) + sizeof(udp);
	if (ip.version != 4 || ip.ihl != 5 || ip.frag_off & bpf_htons(IP4_MORE_FRAGMENTS) || bpf_ntohs(ip.tot_len) != length ||
	    bpf_ntohs(udp.len) != length - sizeof(ip) || bpf_skb_load_bytes(skb, at, &geneve, sizeof(geneve)) ||
	    geneve.version_length >> 6 || geneve.flags & GENEVE_CRITICAL)
		return VERDICT_inspector_malformed;
	if (geneve.protocol != bpf_htons(ETH_P_IP) && geneve.protocol != bpf_htons(ETH_P_IPV6))
		return VERDICT_inspector_malformed;
	at += sizeof(geneve) + (geneve.version_length & 0x3f) * 4;
	if (at >= skb->len || parse_ip(skb, at, geneve.protocol == bpf_htons(ETH_P_IP) ? 4 : 6, &inner))
		return VERDICT_inspector_malformed;
	policy = bpf_map_lookup_elem(&inspector_rules, &ifindex);
	if (policy && is_denied(policy, &inner))
		return VERDICT_inspector_denied;
	address = ip.saddr;
	ip.saddr = ip.daddr;
	ip.daddr = address;
	ip.ttl = TUNNEL_TTL;
	ip.check = 0;
	ip.check = ipv4_header_checksum(&ip);
	__builtin_memcpy(mac, eth.h_source, ETH_ALEN);
	__builtin_memcpy(eth.h_source, eth.h_dest, ETH_ALEN);
	__builtin_memcpy(eth.h_dest, mac, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0) || bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0))
		return VERDICT_inspector_malformed;
	return VERDICT_inspector_returned;
}

SEC("tc")
int inspector(struct __sk_buff *skb)
{
	__u32 verdict = inspect(skb);

	count(skb, verdict);
	switch (verdict) {
	case VERDICT_inspector_returned:
		return bpf_redirect(skb->ifindex, 0);
	case VERDICT_inspector_not_geneve:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
