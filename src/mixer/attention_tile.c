/* Attention by tiles. With s_ij = scale q_i k_j over the positions j that query i may see, scale = 1 / sqrt(E):
 *
 *     lse_i = log sum_j exp(s_ij)      p_ij = exp(s_ij - lse_i)      o_i = sum_j p_ij v_j
 *
 * computed for a tile of queries against one tile of keys after another with an online softmax (Milakov and
 * Gimelshein 2018): a row keeps its maximum m so far, the sum of exp(s - m), and o scaled alike. The way back
 * computes p again from lse (Dao et al., "FlashAttention", 2022); with delta_i = do_i o_i:
 *
 *     dp_ij = do_i v_j     ds_ij = scale p_ij (dp_ij - delta_i)
 *     dq_i = sum_j ds_ij k_j     dk_j = sum_i ds_ij q_i     dv_j = sum_i p_ij do_i
 *
 * All of these are products of small tiles with packed panels (kernel.h). A sequence's keys are packed across (a
 * panel's columns are positions) and its values along (its rows are), once, and all tiles of queries read them.
 * Tiles are fixed by shape and every sum runs in one order, so results are the same bits at any number of threads. */
#include "mixer/attention_tile.h"

#include <math.h>

enum {
	LINE = 16,                  /* floats of a cache line: what pieces of memory are aligned to */
	TILE_FLOATS = 1 << 13,      /* a tile of queries is at most so large, */
	LONG_FLOATS = 1 << 14,      /* forward over LONG_STEPS and more, where keys come from beyond the caches, so large */
	LONG_STEPS = 1 << 13,
	LOCAL_FLOATS = 1 << 16,     /* packed keys and values up to this size are packed by the task that uses them */
	PACK_STEPS = 512,           /* positions a packing task takes */
	PACKED_FLOATS = 1 << 23,    /* heads whose packed keys and values are there at once, if there is more than one */
};

/* How many queries and keys a tile has; `columns`: E rounded up to whole panels; `ld`: from row to row of scores, not a
 * power of two, so that a column of them does not fall into a few sets of the cache. */
typedef struct tiles { int q, kv, columns, ld; } tiles;

static int up(int n, int to) { return (n + to - 1) / to * to; }
static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }
static int sees_all(const ur_attention *a) { return a->whole || a->S > 0; }

/* Tiles near the given sizes that keep a tile of queries to `floats` and a panel of keys within reach. A backward tile
 * of these holds at most 5 TILE_FLOATS + 2 q ld + nr E floats: UR_SCRATCH has room for it at any E. */
static tiles tiles_for(const ur_kernels *k, const ur_attention *a, int queries, int keys, int floats)
{
	tiles t = { .columns = up(a->E, k->nr) };

	t.q = least(least(queries, floats / t.columns), up(a->T, k->mr));
	t.q = most(t.q / k->mr, 1) * k->mr;
	t.kv = most(least(keys, 2 * TILE_FLOATS / a->E) / k->nr, 1) * k->nr;
	t.ld = t.kv + LINE;
	return t;
}

/* The tile on the diagonal is computed whole, so short sequences want few rows; long ones, and queries that see all
 * keys, want keys read less often. */
static int queries_for(const ur_attention *a) { return sees_all(a) || a->T >= 512 ? 96 : a->T <= 128 ? 24 : 48; }

static tiles forward_tiles(const ur_kernels *k, const ur_attention *a)
{
	const int far = a->T >= LONG_STEPS;

	return tiles_for(k, a, far ? 192 : queries_for(a), 256, far ? LONG_FLOATS : TILE_FLOATS);
}

static tiles backward_tiles(const ur_kernels *k, const ur_attention *a)
{
	return tiles_for(k, a, least(queries_for(a), 48), 128, TILE_FLOATS);
}

/* Memory is measured and cut by the same calls: pieces of NULL only count. */
typedef struct cutter { float *base; size_t used; } cutter;

static float *cut(cutter *c, size_t floats)
{
	size_t at = c->used;
	c->used += (floats + LINE - 1) / LINE * LINE;
	return c->base ? c->base + at : NULL;
}

static int keys_most(const ur_attention *a) { return a->past_most + (a->S ? a->S : a->T); }
static int steps_of(const ur_attention *a, int b) { return a->len ? a->len[b] : a->T; }

/* How many positions of keys and values this call brings: the queries' own steps, or another sequence's. */
static int keys_of(const ur_attention *a, int b)
{
	if (!a->S)
		return steps_of(a, b);
	return a->slen ? a->slen[b] : a->S;
}

static ur_past past_of(const ur_attention *a, int b)
{
	return a->past ? a->past(a->past_arg, b) : (ur_past){ 0 };
}

/* No sequence of this call has more positions than this, earlier ones among them. */
static int keys_longest(const ur_attention *a)
{
	int longest = 0;
	for (int b = 0; a->past && b < a->B; b++)
		longest = most(longest, a->past(a->past_arg, b).count);
	return longest + (a->S ? a->S : a->T);
}

/* One head of the keys and values of one sequence. */
typedef struct source {
	const ur_attention *a;
	ur_past past;
	int b, h;
	int keys;      /* positions it has, earlier ones first */
} source;

static source source_of(const ur_attention *a, int b, int h)
{
	source s = { a, past_of(a, b), b, h, 0 };
	s.keys = s.past.count + keys_of(a, b);
	return s;
}

/* Query t sees positions [first_key, end_key). */
static int first_key(const source *s, int t)
{
	int window = s->a->window, at = s->past.count + t;
	return window && at >= window ? at - window + 1 : 0;
}

static int end_key(const source *s, int t) { return sees_all(s->a) ? s->keys : s->past.count + t + 1; }

/* Where position j's keys or values are; *rows: how many positions from there on lie *ld floats apart. */
static const float *source_rows(const source *s, int value, int j, int *rows, ptrdiff_t *ld)
{
	const ur_attention *a = s->a;

	if (j < s->past.count) {
		const int at = (int)(((int64_t)s->past.first + j) % s->past.ring);
		const size_t row = (size_t)at * 2 + (size_t)value;
		*rows = least(s->past.count - j, s->past.ring - at);
		*ld = 2 * (ptrdiff_t)a->kv_heads * a->E;
		return s->past.rows + (row * (size_t)a->kv_heads + (size_t)s->h) * (size_t)a->E;
	}
	*rows = s->keys - j;
	*ld = a->B * (a->S ? a->ldk : a->ld);
	return (value ? a->v : a->k) + ((ptrdiff_t)(j - s->past.count) * a->B + s->b) * (a->S ? a->ldk : a->ld) +
	       (ptrdiff_t)s->h * a->E;
}

/* Packs positions [from, to) of the keys or values as columns; `from` is the first of a panel. Rows are gathered
 * first: in a time-major array they often lie a power of two apart, and would evict each other while transposed. */
static void pack_across(const ur_kernels *k, const source *s, int value, int from, int to, float *panels, float *gather)
{
	const int E = s->a->E;

	for (int j = from; j < to; j += k->nr) {
		int n = least(k->nr, to - j);
		for (int i = 0, rows; i < n; i += rows) {
			ptrdiff_t ld;
			const float *row = source_rows(s, value, j + i, &rows, &ld);
			rows = least(rows, n - i);
			k->copy(rows, E, row, ld, gather + (ptrdiff_t)i * E, E);
		}
		k->pack(n, E, gather, E, 1, panels + (ptrdiff_t)j * E);
	}
}

/* Puts one row of E floats into the panels of a tile that is `depth` rows deep, as its row i. */
static void lay_along(const ur_kernels *k, int E, const float *row, int i, int depth, float *panels)
{
	const int nr = k->nr, whole = E / nr, rest = E % nr;
	float *to = panels + (ptrdiff_t)i * nr;

	k->copy(whole, nr, row, nr, to, (ptrdiff_t)depth * nr);
	if (rest) {
		to += (ptrdiff_t)whole * depth * nr;
		k->copy(1, rest, row + (ptrdiff_t)whole * nr, rest, to, rest);
		k->fill(1, nr - rest, 0, to + rest, nr - rest);
	}
}

/* Packs positions [from, to), `from` the first of a tile, as rows, tile by tile. */
static void pack_along(const ur_kernels *k, const source *s, const tiles *t, int value, int from, int to, float *panels)
{
	for (int tile = from; tile < to; tile += t->kv) {
		int depth = least(t->kv, s->keys - tile);
		for (int i = 0, rows; i < depth; i += rows) {
			ptrdiff_t ld;
			const float *row = source_rows(s, value, tile + i, &rows, &ld);
			rows = least(rows, depth - i);
			for (int r = 0; r < rows; r++)
				lay_along(k, s->a->E, row + r * ld, i + r, depth, panels + (size_t)tile * (size_t)t->columns);
		}
	}
}

/* C(M, n) = A(M, E) times n packed positions from `at`, the first of a panel; the last panel is computed whole. */
static void times_across(const ur_kernels *k, int M, int E, const float *A, const float *panels, int at, int n,
                         float *C, int ldc)
{
	k->product[UR_F32](&(ur_product){ .M = M, .N = up(n, k->nr), .K = E, .blocks = 1, .A = A, .row = E, .col = 1,
		.panels = panels + (size_t)at * (size_t)E, .p1 = (n + k->nr - 1) / k->nr, .C = C, .ldc = ldc });
}

/* C(M, columns) = or += A(M, n) times rows [at, at + n) of a tile packed along that is `depth` rows deep. */
static void times_along(const ur_kernels *k, int M, int columns, const float *A, ptrdiff_t row, ptrdiff_t col,
                        const float *panels, int at, int n, int depth, float *C, int accumulate)
{
	ur_product p = { .M = M, .N = columns, .K = n, .blocks = 1, .A = A, .row = row, .col = col, .panels = panels,
		.p1 = columns / k->nr, .C = C, .ldc = columns, .accumulate = accumulate };

	if (n == depth) {
		k->product[UR_F32](&p);
		return;
	}
	p.N = k->nr;
	p.p1 = 1;
	for (int e = 0; e < columns; e += k->nr) {
		p.panels = panels + (size_t)e * (size_t)depth + (size_t)at * (size_t)k->nr;
		p.C = C + e;
		k->product[UR_F32](&p);
	}
}

/* Of the keys [at, at + n) the row sees [*start, *end), counted from `at`; none where they are equal. */
static void row_bounds(const source *s, int t, int at, int n, int *start, int *end)
{
	*end = most(least(end_key(s, t) - at, n), 0);
	*start = least(most(first_key(s, t) - at, 0), *end);
}

/* ---- forward ---- */

/* A thread's scratch while it attends. */
typedef struct forward_tile {
	float *Q, *O;        /* (q, E) the queries; (q, columns) what they have gathered */
	float *S;            /* (q, ld) scores, then weights */
	float *m, *sum;      /* (q) of the online softmax */
	float *back;         /* (q) what its last step makes of the sums before */
	float *gather;       /* (nr, E) */
	float *own;          /* packed keys and values, when the task packs its own */
} forward_tile;

static forward_tile cut_forward(cutter *c, const ur_kernels *k, const ur_attention *a, const tiles *t)
{
	size_t q = (size_t)t->q, E = (size_t)a->E;
	forward_tile f = { .Q = cut(c, q * E), .O = cut(c, q * (size_t)t->columns), .S = cut(c, q * (size_t)t->ld),
		.m = cut(c, q), .sum = cut(c, q), .back = cut(c, q), .gather = cut(c, (size_t)k->nr * E) };
	f.own = cut(c, 0);
	return f;
}

typedef struct packs { float *keys, *values; } packs;

/* Packed keys and values of one head with `keys` positions. */
static packs cut_packs(cutter *c, const ur_kernels *k, const ur_attention *a, const tiles *t, int keys)
{
	return (packs){ cut(c, (size_t)up(keys, k->nr) * (size_t)a->E), cut(c, (size_t)keys * (size_t)t->columns) };
}

static size_t packs_size(const ur_kernels *k, const ur_attention *a, const tiles *t, int keys)
{
	cutter c = { 0 };
	cut_packs(&c, k, a, t, keys);
	return c.used;
}

typedef struct forward_job {
	const ur_ctx *c;
	const ur_attention *a;
	tiles t;
	int keys;                  /* the most positions a sequence has */
	int tile_count, chunks;    /* of queries; of positions to pack */
	int first, count;          /* heads of keys that are packed now, counted over sequences */
	float *packed;             /* of those, `stride` floats each */
	size_t stride;
} forward_job;

/* Short sequences, when there are heads enough to keep the threads busy: each head is one task from packing to
 * output, and its panels never leave the cache. */
static int packs_own(const ur_ctx *c, const ur_attention *a, const tiles *t, int keys)
{
	cutter tile = { 0 };
	size_t packed = packs_size(c->k, a, t, keys);

	cut_forward(&tile, c->k, a, t);
	return (int64_t)a->B * a->kv_heads >= 2 * (int64_t)c->threads && packed <= LOCAL_FLOATS &&
	       tile.used + packed <= UR_SCRATCH;
}

/* How many heads of keys are packed at once: fewer of long sequences, whose panels are what a call takes memory for. */
static int heads_at_once(const ur_kernels *k, const ur_attention *a, const tiles *t)
{
	const size_t size = packs_size(k, a, t, keys_most(a)); /* 0: no positions at all */
	size_t all = (size_t)a->B * (size_t)a->kv_heads, room = PACKED_FLOATS / (size ? size : 1);
	return (int)(room < 1 ? 1 : room < all ? room : all);
}

static packs packs_at(const forward_job *j, int head)
{
	cutter c = { j->packed + (size_t)(head - j->first) * j->stride, 0 };
	return cut_packs(&c, j->c->k, j->a, &j->t, j->keys);
}

static void pack_head(const ur_kernels *k, const source *s, const tiles *t, int from, int to, packs *p, float *gather)
{
	pack_across(k, s, 0, from, to, p->keys, gather);
	pack_along(k, s, t, 1, from, to, p->values);
}

/* Scores of the keys [at, at + n) become weights, f->back what that makes of the sums before; beyond n, up to whole
 * panels, and where a row sees nothing they are 0. */
static void weigh(const ur_kernels *k, const source *s, int t0, int rows, int at, int n, float scale, int ld,
                  const forward_tile *f)
{
	int width = up(n, k->nr), start, end;

	/* all rows see all of them: most tiles of a long sequence */
	if (first_key(s, t0 + rows - 1) <= at && end_key(s, t0) >= at + n) {
		k->softmax_tile(rows, n, width, scale, f->S, ld, f->m, f->sum, f->back);
		return;
	}
	k->fill(1, rows, 1, f->back, rows);
	for (int r = 0; r < rows; r++) {
		float *scores = f->S + (size_t)r * (size_t)ld;

		row_bounds(s, t0 + r, at, n, &start, &end);
		if (start < end)
			k->softmax_tile(1, end - start, width - start, scale, scores + start, 0, &f->m[r], &f->sum[r],
			                &f->back[r]);
		if (start > 0 || end == 0)
			k->fill(1, start < end ? start : n, 0, scores, ld);
	}
}

static void attend(const forward_job *j, const source *s, int head, int tile, const packs *p, const forward_tile *f)
{
	const ur_kernels *k = j->c->k;
	const ur_attention *a = j->a;
	int E = a->E, columns = j->t.columns, kv = j->t.kv, ld = j->t.ld;
	int t0 = tile * j->t.q, rows = least(j->t.q, steps_of(a, s->b) - t0), first, last;
	float scale = 1 / sqrtf((float)E);

	if (rows <= 0)
		return;
	k->copy(rows, E, a->q + ((ptrdiff_t)t0 * a->B + s->b) * a->ld + (ptrdiff_t)head * E, a->B * a->ld, f->Q, E);
	k->fill(1, rows, -INFINITY, f->m, rows);
	k->fill(1, rows, 0, f->sum, rows);
	first = first_key(s, t0) / k->nr * k->nr;
	last = end_key(s, t0 + rows - 1);
	if (first >= last)
		k->fill(rows, columns, 0, f->O, columns);
	for (int key = first, next; key < last; key = next) {
		int begin = key / kv * kv, n, fresh = key == first;

		next = least(begin + kv, last);
		n = next - key;
		times_across(k, rows, E, f->Q, p->keys, key, n, f->S, ld);
		weigh(k, s, t0, rows, key, n, scale, ld, f);
		for (int r = 0; r < rows && !fresh; r++)
			k->scale(E, f->back[r], f->O + (size_t)r * (size_t)columns);
		times_along(k, rows, columns, f->S, ld, 1, p->values + (size_t)begin * (size_t)columns, key - begin, n,
		            least(kv, s->keys - begin), f->O, !fresh);
	}
	for (int r = 0; r < rows; r++) {
		float *lse = a->lse ? a->lse + ((ptrdiff_t)(t0 + r) * a->B + s->b) * a->heads + head : NULL;

		if (first < last)
			k->softmax_end(E, &f->m[r], &f->sum[r], f->O + (size_t)r * (size_t)columns, lse);
		else if (lse)
			k->fill(1, 1, -INFINITY, lse, 1);
	}
	k->copy(rows, E, f->O, columns, a->out + ((ptrdiff_t)t0 * a->B + s->b) * a->ldo + (ptrdiff_t)head * E,
	        a->B * a->ldo);
}

static void head_task(void *arg, int task, int thread)
{
	const forward_job *j = arg;
	const ur_attention *a = j->a;
	int h = task % a->kv_heads, group = a->heads / a->kv_heads;
	source s = source_of(a, task / a->kv_heads, h);
	cutter c = { ur_scratch(j->c, thread), 0 };
	forward_tile f = cut_forward(&c, j->c->k, a, &j->t);
	packs p = cut_packs(&c, j->c->k, a, &j->t, s.keys);

	pack_head(j->c->k, &s, &j->t, 0, s.keys, &p, f.gather);
	for (int g = 0; g < group; g++)
		for (int tile = 0; tile < j->tile_count; tile++)
			attend(j, &s, h * group + g, tile, &p, &f);
}

static void pack_task(void *arg, int task, int thread)
{
	const forward_job *j = arg;
	const ur_attention *a = j->a;
	int chunk = task % j->chunks, head = j->first + task / j->chunks, steps = up(PACK_STEPS, j->t.kv);
	source s = source_of(a, head / a->kv_heads, head % a->kv_heads);
	packs p = packs_at(j, head);

	if (chunk < (s.keys + steps - 1) / steps)
		pack_head(j->c->k, &s, &j->t, chunk * steps, least(s.keys, (chunk + 1) * steps), &p, ur_scratch(j->c, thread));
}

static void tile_task(void *arg, int task, int thread)
{
	const forward_job *j = arg;
	const ur_attention *a = j->a;
	int group = a->heads / a->kv_heads, head = j->first + task / group % j->count;
	int tile = j->tile_count - 1 - task / group / j->count;   /* the longest rows first, so that all end together */
	source s = source_of(a, head / a->kv_heads, head % a->kv_heads);
	cutter c = { ur_scratch(j->c, thread), 0 };
	forward_tile f = cut_forward(&c, j->c->k, a, &j->t);
	packs p = packs_at(j, head);

	attend(j, &s, s.h * group + task % group, tile, &p, &f);
}

size_t ur_attention_work(const ur_ctx *c, const ur_attention *a)
{
	tiles t = forward_tiles(c->k, a);

	const size_t size = packs_size(c->k, a, &t, keys_most(a)), all = size * (size_t)a->B * (size_t)a->kv_heads;

	/* fewer sequences may be too few for a task of its own each */
	if (packs_own(c, a, &t, keys_most(a)))
		return size * (size_t)least(2 * c->threads, a->B * a->kv_heads);
	/* where not all fit, fewer positions make smaller panels, of which more are there at once: up to PACKED_FLOATS */
	return all <= PACKED_FLOATS ? all : size > PACKED_FLOATS ? size : PACKED_FLOATS;
}

void ur_attention_forward(const ur_ctx *c, const ur_attention *a, float *work)
{
	forward_job j = { .c = c, .a = a, .t = forward_tiles(c->k, a), .keys = keys_longest(a) };
	int heads = a->B * a->kv_heads, at_once = heads_at_once(c->k, a, &j.t);

	j.tile_count = (a->T + j.t.q - 1) / j.t.q;
	if (packs_own(c, a, &j.t, j.keys)) {
		ur_pool_run(c->pool, heads, head_task, &j);
		return;
	}
	j.packed = work;
	j.stride = packs_size(c->k, a, &j.t, j.keys);
	j.chunks = (j.keys + up(PACK_STEPS, j.t.kv) - 1) / up(PACK_STEPS, j.t.kv);
	for (; j.first < heads; j.first += j.count) {
		j.count = least(at_once, heads - j.first);
		ur_pool_run(c->pool, j.count * j.chunks, pack_task, &j);
		ur_pool_run(c->pool, j.count * (a->heads / a->kv_heads) * j.tile_count, tile_task, &j);
	}
}

/* ---- backward ---- */

typedef struct backward_tile {
	float *Q, *dO, *dQ;        /* (q, E), (q, E), (q, columns) */
	float *Q_along, *dO_along; /* the first two, packed */
	float *P, *dS;             /* (q, ld) */
	float *lse, *delta;        /* (q) */
	float *gather;             /* (nr, E) */
} backward_tile;

static backward_tile cut_backward(cutter *c, const ur_kernels *k, const ur_attention *a, const tiles *t)
{
	size_t q = (size_t)t->q, E = (size_t)a->E, columns = (size_t)t->columns, ld = (size_t)t->ld;
	return (backward_tile){ .Q = cut(c, q * E), .dO = cut(c, q * E), .dQ = cut(c, q * columns),
		.Q_along = cut(c, q * columns), .dO_along = cut(c, q * columns), .P = cut(c, q * ld), .dS = cut(c, q * ld),
		.lse = cut(c, q), .delta = cut(c, q), .gather = cut(c, (size_t)k->nr * E) };
}

/* One head of one sequence on the way back. */
typedef struct backward_head {
	float *keys, *values;      /* packed across */
	float *keys_along;
	float *dK, *dV;            /* (keys, columns) */
} backward_head;

static backward_head cut_head(cutter *c, const ur_kernels *k, const ur_attention *a, const tiles *t, int keys)
{
	size_t across = (size_t)up(keys, k->nr) * (size_t)a->E, along = (size_t)keys * (size_t)t->columns;
	return (backward_head){ .keys = cut(c, across), .values = cut(c, across), .keys_along = cut(c, along),
		.dK = cut(c, along), .dV = cut(c, along) };
}

static size_t head_size(const ur_kernels *k, const ur_attention *a, const tiles *t, int keys)
{
	cutter c = { 0 };
	cut_head(&c, k, a, t, keys);
	return c.used;
}

static int head_fits_scratch(const ur_ctx *c, const ur_attention *a, const tiles *t, int keys)
{
	cutter tile = { 0 };
	cut_backward(&tile, c->k, a, t);
	return tile.used + head_size(c->k, a, t, keys) <= UR_SCRATCH;
}

typedef struct backward_job {
	const ur_ctx *c;
	const ur_attention *a;
	const ur_attention_grad *g;
	tiles t;
	float *heads;              /* one head a thread (or a task, if fewer), `stride` floats each; NULL: in scratch */
	size_t stride;
} backward_job;

/* The row of position i in the state's gradients: its keys (`value` 0) or its values, of one head. */
static float *past_row(const source *s, const ur_past_grad *g, int value, int i)
{
	const size_t row = (size_t)((g->first + i) % g->ring) * 2 + (size_t)value;
	return g->rows + (row * (size_t)s->a->kv_heads + (size_t)s->h) * (size_t)s->a->E;
}

/* What later calls have found of these positions' gradients. Rows that this call's own positions took leave the state
 * here; what they held before it is written by give_past. */
static void take_past(const ur_kernels *k, const source *s, const ur_past_grad *g, int columns, const backward_head *p)
{
	const int E = s->a->E, count = s->past.count, kept = most(s->keys - g->ring, 0);

	for (int i = kept; i < s->keys; i++)
		for (int value = 0; value < 2; value++) {
			float *row = past_row(s, g, value, i);
			k->copy(1, E, row, E, (value ? p->dV : p->dK) + (size_t)i * (size_t)columns, E);
			if (i >= count)
				k->fill(1, E, 0, row, E);
		}
}

static void give_past(const ur_kernels *k, const source *s, const ur_past_grad *g, int columns, const backward_head *p)
{
	const int E = s->a->E;

	for (int i = 0; i < s->past.count; i++)
		for (int value = 0; value < 2; value++)
			k->copy(1, E, (value ? p->dV : p->dK) + (size_t)i * (size_t)columns, E, past_row(s, g, value, i), E);
}

static void back_tile(const backward_job *j, const source *s, int head, int t0, const backward_head *p,
                      const backward_tile *f)
{
	const ur_kernels *k = j->c->k;
	const ur_attention *a = j->a;
	int E = a->E, columns = j->t.columns, kv = j->t.kv, ld = j->t.ld;
	int past = s->past.count, rows = least(j->t.q, steps_of(a, s->b) - t0);
	int first = first_key(s, t0) / k->nr * k->nr, last = end_key(s, t0 + rows - 1);
	float scale = 1 / sqrtf((float)E);

	if (first >= last)
		k->fill(rows, columns, 0, f->dQ, columns);
	for (int r = 0; r < rows; r++) {
		ptrdiff_t row = (ptrdiff_t)(t0 + r) * a->B + s->b, at = (ptrdiff_t)head * E;
		const float *q = a->q + row * a->ld + at, *dout = j->g->dout + row * j->g->ldd + at;

		k->copy(1, E, q, E, f->Q + (ptrdiff_t)r * E, E);
		k->copy(1, E, dout, E, f->dO + (ptrdiff_t)r * E, E);
		lay_along(k, E, q, r, rows, f->Q_along);
		lay_along(k, E, dout, r, rows, f->dO_along);
		f->lse[r] = a->lse[row * a->heads + head];
		f->delta[r] = (float)k->dot(E, dout, a->out + row * a->ldo + at);
	}
	for (int key = first, next; key < last; key = next) {
		int begin = key / kv * kv, n, width, start, end;
		size_t grad = (size_t)key * (size_t)columns;

		next = least(begin + kv, last);
		n = next - key;
		width = up(n, k->nr);
		times_across(k, rows, E, f->Q, p->keys, key, n, f->P, ld);
		times_across(k, rows, E, f->dO, p->values, key, n, f->dS, ld);
		for (int r = 0; r < rows; r++) {
			float *P = f->P + (size_t)r * (size_t)ld, *dS = f->dS + (size_t)r * (size_t)ld;

			row_bounds(s, t0 + r, key, n, &start, &end);
			if (start < end)
				k->softmax_again(end - start, width - start, scale, f->lse[r], P + start);
			if (start > 0 || end == 0)
				k->fill(1, start < end ? start : width, 0, P, ld);
			k->softmax_back(width, scale, f->delta[r], P, dS);
		}
		if (next > past || j->g->past) {   /* else these are constants */
			times_along(k, n, columns, f->P, 1, ld, f->dO_along, 0, rows, rows, p->dV + grad, 1);
			times_along(k, n, columns, f->dS, 1, ld, f->Q_along, 0, rows, rows, p->dK + grad, 1);
		}
		times_along(k, rows, columns, f->dS, ld, 1, p->keys_along + (size_t)begin * (size_t)columns, key - begin, n,
		            least(kv, s->keys - begin), f->dQ, key > first);
	}
	k->copy(rows, E, f->dQ, columns, j->g->dq + ((ptrdiff_t)t0 * a->B + s->b) * j->g->ldg + (ptrdiff_t)head * E,
	        a->B * j->g->ldg);
}

static void back_task(void *arg, int task, int thread)
{
	const backward_job *j = arg;
	const ur_attention *a = j->a;
	int h = task % a->kv_heads, group = a->heads / a->kv_heads, steps = steps_of(a, task / a->kv_heads);
	const ur_kernels *k = j->c->k;
	const int columns = j->t.columns;
	const ptrdiff_t ldg = a->S ? j->g->ldgk : j->g->ldg;
	source s = source_of(a, task / a->kv_heads, h);
	const ptrdiff_t to = (ptrdiff_t)s.b * ldg + (ptrdiff_t)h * a->E, from = (ptrdiff_t)s.past.count * columns;
	cutter scratch = { ur_scratch(j->c, thread), 0 }, work = { 0 };
	backward_tile f = cut_backward(&scratch, j->c->k, a, &j->t);
	backward_head p;
	ur_past_grad g = { 0 };

	if (j->g->past)
		g = j->g->past(a->past_arg, s.b);
	if (j->heads)
		work.base = j->heads + (size_t)(j->c->threads > a->B * a->kv_heads ? task : thread) * j->stride;
	p = cut_head(j->heads ? &work : &scratch, j->c->k, a, &j->t, s.keys);
	pack_across(k, &s, 0, 0, s.keys, p.keys, f.gather);
	pack_across(k, &s, 1, 0, s.keys, p.values, f.gather);
	pack_along(k, &s, &j->t, 0, 0, s.keys, p.keys_along);
	k->fill(s.keys, columns, 0, p.dK, columns);
	k->fill(s.keys, columns, 0, p.dV, columns);
	if (g.rows)
		take_past(k, &s, &g, columns, &p);
	for (int i = 0; i < group; i++)
		for (int t0 = 0; t0 < steps; t0 += j->t.q)
			back_tile(j, &s, h * group + i, t0, &p, &f);
	if (g.rows)
		give_past(k, &s, &g, columns, &p);
	k->copy(s.keys - s.past.count, a->E, p.dK + from, columns, j->g->dk + to, a->B * ldg);
	k->copy(s.keys - s.past.count, a->E, p.dV + from, columns, j->g->dv + to, a->B * ldg);
}

size_t ur_attention_back_work(const ur_ctx *c, const ur_attention *a)
{
	tiles t = backward_tiles(c->k, a);

	if (head_fits_scratch(c, a, &t, keys_most(a)))
		return 0;
	return head_size(c->k, a, &t, keys_most(a)) * (size_t)least(c->threads, a->B * a->kv_heads);
}

void ur_attention_backward(const ur_ctx *c, const ur_attention *a, const ur_attention_grad *g, float *work)
{
	backward_job j = { .c = c, .a = a, .g = g, .t = backward_tiles(c->k, a) };
	int keys = keys_longest(a);

	if (!head_fits_scratch(c, a, &j.t, keys)) {
		j.heads = work;
		j.stride = head_size(c->k, a, &j.t, keys);
	}
	ur_pool_run(c->pool, a->B * a->kv_heads, back_task, &j);
}

double ur_attention_pairs(int T, int past, int window)
{
	double all = (double)T * past + 0.5 * T * ((double)T + 1), hidden = past + (double)T - window;

	/* what a window hides grows by one a step once there are more positions than it shows */
	if (window && hidden > 0) {
		double from = past + 1.0 - window > 0 ? past + 1.0 - window : 1;
		all -= 0.5 * (from + hidden) * (hidden - from + 1);
	}
	return all;
}
