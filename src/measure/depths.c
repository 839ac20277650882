/* A page whose floats are all equally deep, as those of weights and of whole results are, is one number. */
#include "measure/depths.h"

#include <math.h>
#include <stdlib.h>

enum { PAGE = 1024, KNOWN = 64, UNKNOWN = -1, MIXED = -2 };

typedef struct page {
	uintptr_t key;
	double last;            /* bytes touched before its last touch; below 0: none yet */
	int32_t all;            /* depth of all of them; MIXED: each has its own */
	int32_t depth[PAGE];
} page;

struct ur_depths {
	page **table;           /* open addressing, a power of two of places, at most half full */
	size_t places, used;
	page *known[KNOWN];     /* found lately, by key */
	int failed;
};

static size_t place_of(uintptr_t key, size_t places) { return (key * 0x9E3779B97F4A7C15u >> 20) & (places - 1); }

ur_depths *ur_depths_open(void)
{
	ur_depths *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->places = 1 << 10;
	d->table = calloc(d->places, sizeof *d->table);
	if (d->table)
		return d;
	free(d);
	return NULL;
}

void ur_depths_clear(ur_depths *d)
{
	for (size_t i = 0; i < d->places; i++) {
		free(d->table[i]);
		d->table[i] = NULL;
	}
	for (int i = 0; i < KNOWN; i++)
		d->known[i] = NULL;
	d->used = 0;
	d->failed = 0;
}

void ur_depths_close(ur_depths *d)
{
	if (!d)
		return;
	ur_depths_clear(d);
	free(d->table);
	free(d);
}

int ur_depths_failed(const ur_depths *d) { return d->failed; }

static void put(page **table, size_t places, page *p)
{
	size_t i = place_of(p->key, places);

	while (table[i])
		i = (i + 1) & (places - 1);
	table[i] = p;
}

static int grow(ur_depths *d)
{
	page **table = calloc(2 * d->places, sizeof *table);

	if (!table)
		return 0;
	for (size_t i = 0; i < d->places; i++)
		if (d->table[i])
			put(table, 2 * d->places, d->table[i]);
	free(d->table);
	d->table = table;
	d->places *= 2;
	return 1;
}

/* The page of this key; NULL: there is none, and none was made. */
static page *page_of(ur_depths *d, uintptr_t key, int make)
{
	page *p = d->known[key % KNOWN];

	if (p && p->key == key)
		return p;
	for (size_t i = place_of(key, d->places); (p = d->table[i]); i = (i + 1) & (d->places - 1))
		if (p->key == key)
			return d->known[key % KNOWN] = p;
	if (!make)
		return NULL;
	p = 2 * (d->used + 1) > d->places && !grow(d) ? NULL : malloc(sizeof *p);
	if (!p) {
		d->failed = 1;
		return NULL;
	}
	p->key = key;
	p->all = UNKNOWN;
	p->last = -1;
	put(d->table, d->places, p);
	d->used++;
	return d->known[key % KNOWN] = p;
}

/* The next floats of [*at, *at + *n) that lie in one page: which, from where in it, how many; moves on. */
static int64_t next(uintptr_t *at, int64_t *n, uintptr_t *key, int *from)
{
	const uintptr_t word = *at / sizeof(float);
	int64_t here;

	*key = word / PAGE;
	*from = (int)(word % PAGE);
	here = PAGE - *from < *n ? PAGE - *from : *n;
	*at += (uintptr_t)here * sizeof(float);
	*n -= here;
	return here;
}

const double ur_far[UR_FARS] = { 0x1p15, 0x1p17, 0x1p19, 0x1p21, 0x1p23, 0x1p25, INFINITY };

void ur_depths_touch(ur_depths *d, const void *where, int64_t n, double when, float far[UR_FARS], float *first)
{
	uintptr_t at = (uintptr_t)where, key;
	int from;

	while (n > 0) {
		const float bytes = (float)next(&at, &n, &key, &from) * sizeof(float);
		page *p = page_of(d, key, 1);
		int i = 0;

		if (!p)
			return;
		if (p->last < 0)
			*first += bytes;
		else {
			while (when - p->last >= ur_far[i])
				i++;
			far[i] += bytes;
		}
		p->last = when;
	}
}

void ur_depths_set(ur_depths *d, const void *where, int64_t n, int32_t depth)
{
	uintptr_t at = (uintptr_t)where, key;
	int from;

	while (n > 0) {
		const int64_t here = next(&at, &n, &key, &from);
		page *p = page_of(d, key, 1);

		if (!p)
			return;
		if (here == PAGE) {
			p->all = depth;
			continue;
		}
		if (p->all == depth)
			continue;
		for (int i = 0; p->all != MIXED && i < PAGE; i++)
			p->depth[i] = p->all;
		p->all = MIXED;
		for (int64_t i = 0; i < here; i++)
			p->depth[from + i] = depth;
	}
}

int32_t ur_depths_most(ur_depths *d, const void *where, int64_t n, int64_t *unknown)
{
	uintptr_t at = (uintptr_t)where, key;
	int32_t most = 0;
	int from;

	while (n > 0) {
		const int64_t here = next(&at, &n, &key, &from);
		const page *p = page_of(d, key, 0);
		int32_t deepest = UNKNOWN, missing = 0;

		if (!p || p->all == UNKNOWN) {
			*unknown += here;
			continue;
		}
		if (p->all != MIXED) {
			most = p->all > most ? p->all : most;
			continue;
		}
		for (int64_t i = 0; i < here; i++) {
			int32_t v = p->depth[from + i];
			deepest = v > deepest ? v : deepest;
			missing += v < 0;
		}
		*unknown += missing;
		most = deepest > most ? deepest : most;
	}
	return most;
}
