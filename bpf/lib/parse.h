/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An IP packet, as far as telling flows apart needs it.
 *
 * Contract: parse_ip() reads IPv4 with options and IPv6 with extension headers at `offset`, fragments included, and fills a struct
 * packet; it changes nothing. Ports are 0 unless the packet is TCP or UDP and carries them. Lengths that disagree are MALFORMED.
 * parse_quoted() does the same for a packet that may be cut anywhere behind its ports, as ICMP errors quote it.
 */
#ifndef OPENGWLB_PARSE_H
#define OPENGWLB_PARSE_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "access.h"

enum fragment { WHOLE = 0, FIRST_FRAGMENT, LATER_FRAGMENT };

struct packet {
	__u32 source[4]; /* network order; IPv4 in the first */
	__u32 destination[4];
	__u32 length; /* of the IP packet */
	__u32 transport; /* offset of the transport header from the Ethernet header */
	__u32 fragment_id;
	__u32 shared; /* bytes of IP and transport headers that each segment of a super-packet repeats */
	__be16 source_port;
	__be16 destination_port;
	__u8 family; /* 4 or 6 */
	__u8 protocol;
	__u8 fragment; /* enum fragment */
	__u8 tcp_flags; /* byte 13 of the TCP header */
	__u8 traffic_class; /* DSCP and ECN */
	__u8 quoted; /* addresses, protocol and ports are those of the packet that this ICMP error quotes */
	__u8 pad[2];
};

#define TCP_FLAG_BYTE_FIN 0x01
#define TCP_FLAG_BYTE_SYN 0x02
#define TCP_FLAG_BYTE_RST 0x04
#define TCP_FLAG_BYTE_ACK 0x10

#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_FRAGMENT_OFFSET 0x1fff
#define IP6_HEADER 40
#define IP6_EXTENSIONS 8 /* more than anyone sends */
#define IP6_HOP_BY_HOP 0
#define IP6_ROUTING 43
#define IP6_FRAGMENT 44
#define IP6_AUTHENTICATION 51
#define IP6_DESTINATION 60
#define PROTOCOL_ICMPV6 58
#define TCP_HEADER_READ 14 /* as far as the flags */
#define UDP_HEADER_READ 8
#define PORTS_READ 4

/* The packet's length, or that of each segment of a super-packet. */
static __always_inline __u32 segment_length(const struct __sk_buff *skb, const struct packet *packet)
{
	return skb->gso_size ? packet->shared + skb->gso_size : packet->length;
}

static __always_inline int parse_ports(struct __sk_buff *skb, struct packet *packet)
{
	__u8 header[TCP_HEADER_READ];
	__u32 room = packet->length - packet->shared;

	if (packet->fragment == LATER_FRAGMENT)
		return 0;
	if (packet->protocol == IPPROTO_TCP) {
		if (room < TCP_HEADER_READ || bpf_skb_load_bytes(skb, packet->transport, header, TCP_HEADER_READ))
			return -1;
		packet->tcp_flags = header[13];
		packet->shared += (header[12] >> 4) * 4;
	} else if (packet->protocol == IPPROTO_UDP) {
		if (room < UDP_HEADER_READ || bpf_skb_load_bytes(skb, packet->transport, header, UDP_HEADER_READ))
			return -1;
		packet->shared += UDP_HEADER_READ;
	} else {
		return 0;
	}
	__builtin_memcpy(&packet->source_port, header, 2);
	__builtin_memcpy(&packet->destination_port, header + 2, 2);
	return 0;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, __u32 offset, struct packet *packet)
{
	struct iphdr ip;
	__u16 place;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
		return -1;
	packet->length = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || ip.ihl < 5 || packet->length < ip.ihl * 4)
		return -1;
	packet->family = 4;
	packet->source[0] = ip.saddr;
	packet->destination[0] = ip.daddr;
	packet->protocol = ip.protocol;
	packet->traffic_class = ip.tos;
	packet->transport = offset + ip.ihl * 4;
	packet->shared = ip.ihl * 4;
	place = bpf_ntohs(ip.frag_off);
	packet->fragment_id = ip.id;
	if (place & IP4_FRAGMENT_OFFSET)
		packet->fragment = LATER_FRAGMENT;
	else if (place & IP4_MORE_FRAGMENTS)
		packet->fragment = FIRST_FRAGMENT;
	return 0;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, __u32 offset, struct packet *packet)
{
	struct ipv6hdr ip;
	__u32 at = offset + IP6_HEADER;
	__u8 extension[8];
	__u32 place, length;
	__u8 next;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
		return -1;
	packet->length = IP6_HEADER + bpf_ntohs(ip.payload_len);
	if (ip.version != 6)
		return -1;
	packet->family = 6;
	__builtin_memcpy(packet->source, &ip.saddr, 16);
	__builtin_memcpy(packet->destination, &ip.daddr, 16);
	packet->traffic_class = ip.priority << 4 | ip.flow_lbl[0] >> 4;
	next = ip.nexthdr;
	for (int i = 0; i < IP6_EXTENSIONS; i++) {
		if (next != IP6_HOP_BY_HOP && next != IP6_ROUTING && next != IP6_FRAGMENT && next != IP6_AUTHENTICATION &&
		    next != IP6_DESTINATION)
			break;
		if (packet->fragment == LATER_FRAGMENT)
			break;
		if (bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
			return -1;
		length = extension[1] * 8 + 8;
		if (next == IP6_AUTHENTICATION)
			length = extension[1] * 4 + 8;
		if (next == IP6_FRAGMENT) {
			length = 8;
			place = extension[2] << 8 | extension[3];
			__builtin_memcpy(&packet->fragment_id, extension + 4, 4);
			if (place & ~7)
				packet->fragment = LATER_FRAGMENT;
			else if (place & 1)
				packet->fragment = FIRST_FRAGMENT;
		}
		next = extension[0];
		at += length;
	}
	packet->protocol = next;
	packet->transport = at;
	packet->shared = at - offset;
	return at - offset > packet->length ? -1 : 0;
}

/* 0, or -1 for a packet that is not well-formed. Global, so that the verifier looks at it once and not at every way that leads here. */
__noinline int parse_ip(struct __sk_buff *skb, __u32 offset, __u8 family, struct packet *packet)
{
	if (!packet)
		return -1;
	__builtin_memset(packet, 0, sizeof(*packet));
	if ((family == 4 ? parse_ipv4(skb, offset, packet) : parse_ipv6(skb, offset, packet)) || packet->length > skb->len - offset)
		return -1;
	return parse_ports(skb, packet);
}

/* What nearly every packet is: IPv4 without options, no fragment, TCP or UDP, in the linear part. 0, or -1 for parse_ip() to look at it. */
static __always_inline int parse_plain(const struct __sk_buff *skb, __u32 offset, struct packet *packet)
{
	const struct iphdr *ip = packet_at(skb, offset, sizeof(*ip) + UDP_HEADER_READ);
	const __u8 *transport;

	if (!ip || *(const __u8 *)ip != (4 << 4 | 5) || ip->frag_off & bpf_htons(IP4_MORE_FRAGMENTS | IP4_FRAGMENT_OFFSET))
		return -1;
	__builtin_memset(packet, 0, sizeof(*packet));
	packet->length = bpf_ntohs(ip->tot_len);
	packet->family = 4;
	packet->source[0] = ip->saddr;
	packet->destination[0] = ip->daddr;
	packet->protocol = ip->protocol;
	packet->traffic_class = ip->tos;
	packet->fragment_id = ip->id;
	packet->transport = offset + sizeof(*ip);
	if (packet->protocol == IPPROTO_TCP) {
		transport = packet_at(skb, offset + sizeof(*ip), TCP_HEADER_READ);
		if (!transport || packet->length < sizeof(*ip) + TCP_HEADER_READ)
			return -1;
		packet->tcp_flags = transport[13];
		packet->shared = sizeof(*ip) + (transport[12] >> 4) * 4;
	} else if (packet->protocol == IPPROTO_UDP) {
		transport = (const __u8 *)(ip + 1);
		if (packet->length < sizeof(*ip) + UDP_HEADER_READ)
			return -1;
		packet->shared = sizeof(*ip) + UDP_HEADER_READ;
	} else {
		return -1;
	}
	packet->source_port = *(const __be16 *)transport;
	packet->destination_port = *(const __be16 *)(transport + 2);
	return packet->length > skb->len - offset ? -1 : 0;
}

/* 0, or -1 when the packet's flow cannot be told: no ports, as in a later fragment. */
static __always_inline int parse_quoted(struct __sk_buff *skb, __u32 offset, __u8 family, struct packet *packet)
{
	__be16 ports[2];

	__builtin_memset(packet, 0, sizeof(*packet));
	if (family == 4 ? parse_ipv4(skb, offset, packet) : parse_ipv6(skb, offset, packet))
		return -1;
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return 0;
	if (packet->fragment == LATER_FRAGMENT || bpf_skb_load_bytes(skb, packet->transport, ports, PORTS_READ))
		return -1;
	packet->source_port = ports[0];
	packet->destination_port = ports[1];
	return 0;
}

#endif
