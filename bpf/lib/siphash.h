/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* SipHash-1-3 (Aumasson, Bernstein): keyed, so that nobody outside can make flows collide.
 *
 * Contract: whole 64-bit words only; the key is random and stays as long as the table that it fills. Two things are not as published, to
 * save four rounds of 2.2 ns: there is no word for the length, since whoever hashes has words of a fixed number, or one that tells their
 * number; and a second word comes out after one round more, not three, since nobody sees more of it than which slot a flow got.
 */
#ifndef OPENGWLB_SIPHASH_H
#define OPENGWLB_SIPHASH_H

#include <linux/types.h>

struct siphash {
	__u64 a, b, c, d;
};

struct fingerprint {
	__u64 high, low;
};

#define SIPHASH_ROTATE(word, bits) ((word) << (bits) | (word) >> (64 - (bits)))

static __always_inline void siphash_round(struct siphash *s)
{
	s->a += s->b;
	s->b = SIPHASH_ROTATE(s->b, 13) ^ s->a;
	s->a = SIPHASH_ROTATE(s->a, 32);
	s->c += s->d;
	s->d = SIPHASH_ROTATE(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = SIPHASH_ROTATE(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = SIPHASH_ROTATE(s->b, 17) ^ s->c;
	s->c = SIPHASH_ROTATE(s->c, 32);
}

static __always_inline struct siphash siphash_start(const __u64 *key)
{
	struct siphash s = {
		.a = key[0] ^ 0x736f6d6570736575ULL,
		.b = key[1] ^ 0x646f72616e646f6dULL ^ 0xee,
		.c = key[0] ^ 0x6c7967656e657261ULL,
		.d = key[1] ^ 0x7465646279746573ULL,
	};

	return s;
}

static __always_inline void siphash_add(struct siphash *s, __u64 word)
{
	s->d ^= word;
	siphash_round(s);
	s->a ^= word;
}

static __always_inline struct fingerprint siphash_end(struct siphash *s)
{
	struct fingerprint out;

	s->c ^= 0xee;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	out.high = s->a ^ s->b ^ s->c ^ s->d;
	s->b ^= 0xdd;
	siphash_round(s);
	out.low = s->a ^ s->b ^ s->c ^ s->d;
	return out;
}

#endif
