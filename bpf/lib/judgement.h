/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the two sides of a router's pass make of one packet: the interface that sent it (egress) and the one that it is for (ingress).
 *
 * Contract: judge() is asked once for each packet that has a way, and answers for both sides in one value. A side without groups and
 * without an ACL that could say no accepts, and costs nothing. Only a security group or a network ACL rejects here.
 */
#ifndef OPENGWLB_JUDGEMENT_H
#define OPENGWLB_JUDGEMENT_H

#include <linux/bpf.h>
#include <linux/types.h>

#include "../shared/layout.h"

struct judgement {
	__u32 from;    /* ifindex of the port that it came in by */
	__u32 to;      /* ifindex of the port that it is to leave by */
	__u32 egress;  /* 0: accepted on the side that it came in by; else the verdict that rejects it there */
	__u32 ingress; /* the same on the side that it leaves by; 0 as well when it was rejected before */
};

static __always_inline struct judgement judge(struct __sk_buff *skb __attribute__((unused)), const struct eni_config *port,
					      const struct eni_config *leaving)
{
	struct judgement judgement = {.from = port->ifindex, .to = leaving->ifindex};

	return judgement;
}

#endif
