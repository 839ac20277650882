/* Arrays for tests of numeric code: filled with NaN so that what nobody wrote is noticed, with guard words on both
 * sides so that what nobody asked for is noticed too. And random numbers, and the sets of kernels to test. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

extern const ur_kernels ur_kernels_c;
extern const ur_kernels ur_kernels_wide;

enum { ARR_GUARD = 16 };
static const uint32_t arr_guard_word = 0x7fbadbadu, arr_fresh_word = 0x7fc0dea1u; /* both NaN */

typedef struct arrays {
	struct arr_one {
		void *block;
		float *data;
		size_t n;
	} *one;
	size_t n, room;
} arrays;

static inline void *arr_must(void *p)
{
	if (!p)
		abort();
	return p;
}

static inline void arr_words(float *p, size_t n, uint32_t word)
{
	for (size_t i = 0; i < n; i++)
		memcpy(p + i, &word, sizeof word);
}

/* n floats of NaN, `shift` floats past a 64-byte boundary. */
static inline float *arr_at(arrays *all, size_t n, size_t shift)
{
	if (all->n == all->room) {
		all->room = all->room ? all->room * 2 : 64;
		all->one = arr_must(realloc(all->one, all->room * sizeof *all->one));
	}
	size_t bytes = ((n + shift + 2 * ARR_GUARD) * sizeof(float) + 63) & ~(size_t)63;
	float *block = arr_must(aligned_alloc(64, bytes));
	float *data = block + ARR_GUARD + shift;
	arr_words(data - ARR_GUARD, ARR_GUARD, arr_guard_word);
	arr_words(data, n, arr_fresh_word);
	arr_words(data + n, ARR_GUARD, arr_guard_word);
	all->one[all->n++] = (struct arr_one){block, data, n};
	return data;
}

static inline float *arr(arrays *all, size_t n) { return arr_at(all, n, 0); }
static inline void arr_fresh(float *p, size_t n) { arr_words(p, n, arr_fresh_word); }

/* How many arrays have been written outside their bounds. */
static inline int arr_broken(const arrays *all)
{
	int broken = 0;
	for (size_t i = 0; i < all->n; i++) {
		int bad = 0;
		for (int j = 0; j < ARR_GUARD; j++) {
			const struct arr_one *o = &all->one[i];
			bad |= memcmp(o->data - 1 - j, &arr_guard_word, 4) || memcmp(o->data + o->n + j, &arr_guard_word, 4);
		}
		broken += bad;
	}
	return broken;
}

static inline void arr_free(arrays *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->one[i].block);
	free(all->one);
	*all = (arrays){0};
}

/* splitmix64 (Steele, Lea and Flood 2014) */
typedef struct rnd { uint64_t s; } rnd;

static inline uint64_t rnd_u64(rnd *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline int rnd_below(rnd *r, int n) { return (int)(rnd_u64(r) % (uint64_t)n); }
/* uniform in [-1, 1) */
static inline double rnd_unit(rnd *r) { return (double)(rnd_u64(r) >> 11) * 0x1p-52 - 1; }
static inline void rnd_fill(rnd *r, size_t n, double size, float *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(size * rnd_unit(r));
}

/* The sets this process tests: the one picked, and beside any vector set but AVX-512 itself the source of that one
 * compiled for what this processor has. 0: the set asked for cannot run here. */
static inline int sets_to_test(const ur_kernels *sets[2])
{
	const ur_kernels *k = ur_kernels_pick(NULL);
	if (!k)
		return 0;
	sets[0] = k;
	if (!strcmp(k->name, "c") || !strncmp(k->name, "avx512", 6))
		return 1;
	sets[1] = &ur_kernels_wide;
	return 2;
}

#endif
