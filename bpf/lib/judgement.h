/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the two sides of a router's pass make of one packet: the interface that sent it (egress) and the one that it is for (ingress).
 *
 * Contract: judge() is asked once for each packet that has a way, and answers for both sides in one value. A side without groups and
 * without an ACL that could say no accepts, and costs nothing. Only a security group or a network ACL rejects here.
 */
#ifndef OPENGWLB_JUDGEMENT_H
#define OPENGWLB_JUDGEMENT_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>

#include "../shared/layout.h"
#include "../shared/verdicts.h"
#include "guard.h"

struct judgement {
	__u32 from;    /* ifindex of the port that it came in by */
	__u32 to;      /* ifindex of the port that it is to leave by */
	__u32 egress;  /* 0: accepted on the side that it came in by; else the verdict that rejects it there */
	__u32 ingress; /* the same on the side that it leaves by; 0 as well when it was rejected before */
};

/* ACLs are asked at the edges of subnets, and between a Gateway Load Balancer endpoint and what is in its own subnet. */
static __always_inline int judge_crosses(const struct eni_config *port, const struct eni_config *leaving)
{
	return port->subnet != leaving->subnet || port->mask != leaving->mask || port->role == ENI_ROLE_ENDPOINT ||
	       leaving->role == ENI_ROLE_ENDPOINT;
}

/* Both sides' verdicts, ingress in the upper half. */
static __noinline __u32 judge_packet(struct __sk_buff *skb, const struct eni_config *port, const struct eni_config *leaving,
				     const struct eni_guard *from, const struct eni_guard *to)
{
	struct guarded_packet *packet = guard_read(skb, (__u16)skb->protocol == bpf_htons(ETH_P_IP) ? 4 : 6, port->ifindex);
	const __u32 crosses = judge_crosses(port, leaving);
	__u32 verdict;

	if (!packet)
		return VERDICT_malformed;
	verdict = guard_asks(skb, packet, from, EGRESS, crosses);
	if (verdict)
		return verdict;
	return guard_asks(skb, packet, to, INGRESS, crosses) << 16;
}

/* `from` and `to` are who is asked: the ports' own guards, or behind an uplink that of an address. */
static __always_inline struct judgement judge(struct __sk_buff *skb, const struct eni_config *port, const struct eni_config *leaving,
					      const struct eni_guard *from, const struct eni_guard *to, __u32 guards)
{
	struct judgement judgement = {.from = port->ifindex, .to = leaving->ifindex};
	__u32 both;

	if (!((port->flags | leaving->flags) & guards))
		return judgement;
	both = judge_packet(skb, port, leaving, from, to);
	judgement.egress = both & 0xffff;
	judgement.ingress = both >> 16;
	return judgement;
}

/* The bit of a port's flags that says whether such packets are anybody's to refuse. */
static __always_inline __u32 judge_kind(__u8 protocol, __u32 tcp_or_udp)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ? tcp_or_udp : ENI_GUARDS_OTHER;
}

#endif
