// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An uplink: tcx ingress of a NIC of this machine (uplink_in), and of the host's end of the link to a VPC's router (uplink_out). What
 * enters one leaves by the other; what it means, and whether it may pass, decides eni.bpf.c on the router's end.
 *
 * Only IPv4 and ARP are taken, and only what is addressed to this NIC or to everybody. VLANs on top of the NIC, IPv6, LLDP and the like
 * stay the host's own. Without configuration the NIC is the host's altogether, and the VPC's end is shut.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/count.h"
#include "shared/layout.h"
#include "shared/verdicts.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENIS);
	__type(key, __u32);
	__type(value, __u32);
} uplinks SEC(".maps");

static __always_inline const __u32 *other_end(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;

	return bpf_map_lookup_elem(&uplinks, &ifindex);
}

SEC("tc")
int uplink_in(struct __sk_buff *skb)
{
	const __u32 *other = other_end(skb);

	if (!other || skb->vlan_present || skb->pkt_type == PACKET_OTHERHOST)
		return TC_ACT_UNSPEC;
	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_ARP))
		return TC_ACT_UNSPEC;
	count(skb, VERDICT_uplink_in);
	return bpf_redirect(*other, 0);
}

SEC("tc")
int uplink_out(struct __sk_buff *skb)
{
	const __u32 *other = other_end(skb);

	if (!other) {
		count(skb, VERDICT_uplink_not_configured);
		return TC_ACT_SHOT;
	}
	count(skb, VERDICT_uplink_out);
	return bpf_redirect(*other, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
