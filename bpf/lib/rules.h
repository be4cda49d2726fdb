/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Rule sets as user space compiled them: whether security groups permit a packet, and what a network ACL says of it.
 *
 * Contract: groups_permit() answers one of enum permit, acl_allows() 1 or 0, both for one direction of one interface. What they cost hardly
 * depends on how many rules there are: each side of a rule (its peer, its protocol and ports) is a table of intervals, every interval names
 * the bit vector of what holds there, and a packet is permitted by the bits that are in both. A network ACL's bits are its entries in order,
 * so the lowest common one decides; those of groups are the different protocols and ports that their rules name.
 *
 * Steps of a search have no branches: a processor that guesses wrong at each step would pay for that more than for the search.
 */
#ifndef OPENGWLB_RULES_H
#define OPENGWLB_RULES_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../shared/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RULE_PAGES);
	__type(key, __u32);
	__type(value, struct rule_page);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_GROUP_MEMBERS);
	__type(key, struct group_member);
	__type(value, __u32);
} group_members SEC(".maps");

/* What rules are asked about. */
struct subject {
	__u32 source[4]; /* as in struct packet */
	__u32 destination[4];
	__u32 service; /* protocol and what is behind it, as in layout.h */
	__u32 reverse; /* the service of its answer */
	__u8 family;
	__u8 protocol;
	__u8 pad[2];
};

enum permit {
	PERMIT_NONE = 0,
	PERMIT_MEMBER,	 /* by a rule for a group that the other end has now; what answers it has to be remembered */
	PERMIT_TRACKED,	 /* by a rule for addresses; the same */
	PERMIT_UNTRACKED /* by a rule for everybody, and so is whatever could answer it */
};

enum direction { EGRESS = 0, INGRESS = 1 };

static __always_inline __u64 rules_word(const struct rule_page *page, __u32 at)
{
	at &= RULE_WORDS - 1;
	asm volatile("" : "+r"(at)); /* or the compiler forgets the bound that the verifier wants */
	return page->words[at];
}

/* All ones when the signed number is not below zero. */
static __always_inline __u32 rules_reached(__s64 difference)
{
	__u32 reached = ~(__u32)(difference >> 63);

	asm volatile("" : "+r"(reached)); /* or it becomes a branch */
	return reached;
}

/* Place of the vector of the interval that `key` is in; 0 for none. The first entry of a table begins at 0. Global, as are others below, so
 * that the verifier looks at it once. */
__noinline __u32 rules_find(const struct rule_page *page, __u32 at, __u32 count, __u32 key)
{
	if (!page)
		return 0;
	for (__u32 i = 0; i < RULE_STEPS && count > 1; i++) {
		const __u32 half = count / 2;

		at += half & rules_reached((__s64)key - (__s64)(rules_word(page, at + half) >> 32));
		count -= half;
	}
	return count ? (__u32)rules_word(page, at) : 0;
}

/* The same for IPv6: all ones when `high`, `low` is not below the entry. */
static __always_inline __u32 rules_reached6(const struct rule_page *page, __u32 at, __u64 high, __u64 low)
{
	const __u64 first = rules_word(page, at), second = rules_word(page, at + 1);
	__u64 below = high < first || (high == first && low < second);

	return rules_reached(-(__s64)below);
}

__noinline __u32 rules_find6(const struct rule_page *page, __u32 at, __u32 count, const struct in6_addr *address)
{
	__u64 high, low;

	if (!page || !address)
		return 0;
	high = (__u64)bpf_ntohl(address->s6_addr32[0]) << 32 | bpf_ntohl(address->s6_addr32[1]);
	low = (__u64)bpf_ntohl(address->s6_addr32[2]) << 32 | bpf_ntohl(address->s6_addr32[3]);
	for (__u32 i = 0; i < RULE_STEPS && count > 1; i++) {
		const __u32 half = count / 2;

		at += 3 * half & rules_reached6(page, at + 3 * half, high, low);
		count -= half;
	}
	return count ? (__u32)rules_word(page, at + 2) : 0;
}

static __always_inline struct rule_table rules_table(const struct rule_page *page, __u32 set, __u32 direction, __u32 number)
{
	const __u64 word = rules_word(page, set + 1 + direction * (sizeof(struct rule_direction) / 8) + number);
	struct rule_table table = {.count = (__u32)word, .at = set + (__u32)(word >> 32)};

	return table;
}

#define RULES_SERVICES 0
#define RULES_IPV4 1
#define RULES_IPV6 2
#define RULES_CLASSES 3
#define RULES_EVERYWHERE 4 /* IPv6's in the upper half */
#define RULES_WIDTH 5	   /* the full ones in the upper half */
#define RULES_ALLOW 6

static __always_inline __u64 rules_field(const struct rule_page *page, __u32 set, __u32 direction, __u32 number)
{
	return rules_word(page, set + 1 + direction * (sizeof(struct rule_direction) / 8) + number);
}

/* Whether two vectors have a bit in common. */
static __always_inline int rules_meet(const struct rule_page *page, __u32 set, __u32 one, __u32 other, __u32 width)
{
	if (!one || !other)
		return 0;
	for (__u32 i = 0; i < RULE_VECTOR_WORDS && i < width; i++)
		if (rules_word(page, set + one + i) & rules_word(page, set + other + i))
			return 1;
	return 0;
}

static __always_inline const struct rule_page *rules_page(__u32 at)
{
	const __u32 number = at / RULE_WORDS;

	return bpf_map_lookup_elem(&rules, &number);
}

static __always_inline __u32 rules_services(const struct rule_page *page, __u32 set, __u32 direction, __u32 service)
{
	const struct rule_table table = rules_table(page, set, direction, RULES_SERVICES);

	return rules_find(page, table.at, table.count, service);
}

static __always_inline __u32 rules_peers(const struct rule_page *page, __u32 set, __u32 direction, const __u32 *peer, __u8 family)
{
	const struct rule_table table = rules_table(page, set, direction, family == 4 ? RULES_IPV4 : RULES_IPV6);

	return family == 4 ? rules_find(page, table.at, table.count, bpf_ntohl(peer[0])) :
			     rules_find6(page, table.at, table.count, (const struct in6_addr *)peer);
}

static __always_inline __u32 rules_full(const struct subject *subject)
{
	__u32 bit = subject->protocol == IPPROTO_TCP ? RULE_FULL_TCP4 : subject->protocol == IPPROTO_UDP ? RULE_FULL_UDP4 : 0;

	return subject->family == 4 ? bit : bit << 2;
}

/* AWS: not tracked is TCP or UDP that a rule for 0.0.0.0/0 or ::/0 lets through, when a rule of the other direction lets everything of the
 * protocol through to or from everywhere. So that both directions agree about a flow, it is asked of the packet and of its answer. */
static __always_inline int rules_untracked(const struct rule_page *page, __u32 set, __u32 direction, const struct subject *subject)
{
	const __u32 wanted = rules_full(subject), other = direction ^ 1;
	const __u64 back = rules_field(page, set, other, RULES_WIDTH);
	__u64 everywhere;

	if (back >> 32 & wanted)
		return 1;
	if (!(rules_field(page, set, direction, RULES_WIDTH) >> 32 & wanted))
		return 0;
	everywhere = rules_field(page, set, other, RULES_EVERYWHERE);
	return rules_meet(page, set, rules_services(page, set, other, subject->reverse),
			  subject->family == 4 ? (__u32)everywhere : everywhere >> 32, (__u32)back);
}

/* Of the peer as a member of groups. */
__noinline __u32 rules_class(const struct subject *subject, const struct eni_guard *guard, __u32 direction)
{
	struct group_member key = {};
	const struct rule_page *page;
	struct rule_table table;
	const __u32 *class, *peer;

	if (!subject || !guard)
		return 0;
	page = rules_page(guard->groups_at);
	if (!page)
		return 0;
	direction &= 1;
	table = rules_table(page, guard->groups_at % RULE_WORDS, direction, RULES_CLASSES);
	if (table.count < 2) /* the first is nobody's */
		return 0;
	key.vpc = guard->vpc;
	peer = direction == INGRESS ? subject->source : subject->destination;
	if (subject->family == 4) {
		key.address[2] = bpf_htonl(0xffff);
		key.address[3] = peer[0];
	} else {
		__builtin_memcpy(key.address, peer, sizeof(key.address));
	}
	class = bpf_map_lookup_elem(&group_members, &key);
	return class ? rules_find(page, table.at, table.count, *class) : 0;
}

/* Whether the set is the one of this number: for a moment a guard may name one set's number and another's place. */
static __always_inline int rules_is(const struct rule_page *page, __u32 set, __u32 number)
{
	return (__u32)rules_word(page, set) == number;
}

__noinline int groups_permit(const struct subject *subject, const struct eni_guard *guard, __u32 direction)
{
	const struct rule_page *page;
	__u32 set, services, width;
	const __u32 *peer;
	__u64 everywhere;

	if (!subject || !guard)
		return PERMIT_NONE;
	direction &= 1;
	set = guard->groups_at % RULE_WORDS;
	page = rules_page(guard->groups_at);
	if (!page || !rules_is(page, set, guard->groups))
		return PERMIT_NONE;
	width = (__u32)rules_field(page, set, direction, RULES_WIDTH);
	services = rules_services(page, set, direction, subject->service);
	if (!services)
		return PERMIT_NONE;
	everywhere = rules_field(page, set, direction, RULES_EVERYWHERE);
	if (rules_meet(page, set, services, subject->family == 4 ? (__u32)everywhere : everywhere >> 32, width))
		return rules_untracked(page, set, direction, subject) ? PERMIT_UNTRACKED : PERMIT_TRACKED;
	peer = direction == INGRESS ? subject->source : subject->destination;
	if (rules_meet(page, set, services, rules_peers(page, set, direction, peer, subject->family), width))
		return PERMIT_TRACKED;
	return rules_meet(page, set, services, rules_class(subject, guard, direction), width) ?
		       PERMIT_MEMBER :
		       PERMIT_NONE;
}

/* The lowest bit that two vectors have in common decides: whether it is in the third. */
static __always_inline int rules_first(const struct rule_page *page, __u32 set, __u32 one, __u32 other, __u32 allow, __u32 width)
{
	if (!one || !other || !allow)
		return 0;
	for (__u32 i = 0; i < RULE_VECTOR_WORDS && i < width; i++) {
		const __u64 both = rules_word(page, set + one + i) & rules_word(page, set + other + i);

		if (both)
			return (both & -both & rules_word(page, set + allow + i)) != 0;
	}
	return 0;
}

__noinline int acl_allows(const struct subject *subject, const struct eni_guard *guard, __u32 direction)
{
	const struct rule_page *page;
	__u32 set, services, peers;
	const __u32 *peer;

	if (!subject || !guard)
		return 0;
	direction &= 1;
	set = guard->acl_at % RULE_WORDS;
	page = rules_page(guard->acl_at);
	if (!page || !rules_is(page, set, guard->acl))
		return 0;
	peer = direction == INGRESS ? subject->source : subject->destination;
	services = rules_services(page, set, direction, subject->service);
	peers = rules_peers(page, set, direction, peer, subject->family);
	return rules_first(page, set, services, peers, (__u32)rules_field(page, set, direction, RULES_ALLOW),
			   (__u32)rules_field(page, set, direction, RULES_WIDTH));
}

#endif
