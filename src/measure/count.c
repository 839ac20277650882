/* The counting slots. Each says what its call reads, writes and computes, in that order, and runs the real one. */
#include "measure/count.h"

#include <stdlib.h>
#include <string.h>

struct ur_counter {
	ur_kernels kernels;             /* what callers use */
	const ur_kernels *real;
	unsigned how;
	ur_depths *depths;
	ur_count count;
	int32_t deepest;                /* of what the current call has read so far */
	int32_t scalar;                 /* of the last number that a slot returned */
	double touched;                 /* bytes, by all calls */
	float far[UR_FARS], first;      /* of the current call */
	ur_slot_watch *watch;
	void *arg;
};

/* Kernels have no argument for it (count.h). */
static _Thread_local ur_counter *now;

static const char *const names[UR_SLOTS] = {
	[UR_SLOT_PRODUCT_F32] = "product", [UR_SLOT_PRODUCT_BF16] = "product of bfloat16",
	[UR_SLOT_PRODUCT_I8] = "product of int8", [UR_SLOT_PACK] = "pack", [UR_SLOT_STRIPS] = "strips",
	[UR_SLOT_SIGMOID] = "sigmoid", [UR_SLOT_TANH] = "tanh", [UR_SLOT_EXP] = "exp",
	[UR_SLOT_ADD] = "add", [UR_SLOT_AXPY] = "axpy", [UR_SLOT_SCALE] = "scale", [UR_SLOT_MUL] = "mul",
	[UR_SLOT_TANH_BACK] = "tanh_back", [UR_SLOT_COPY] = "copy", [UR_SLOT_FILL] = "fill",
	[UR_SLOT_ROTATE] = "rotate", [UR_SLOT_DOT] = "dot", [UR_SLOT_SUM_SQUARES] = "sum_squares",
	[UR_SLOT_COLUMN_SUMS] = "column_sums", [UR_SLOT_ROW_DOTS] = "row_dots", [UR_SLOT_ROW_SUM] = "row_sum",
	[UR_SLOT_ROW_TANH_BACK] = "row_tanh_back", [UR_SLOT_LSTM_GATES] = "lstm_gates",
	[UR_SLOT_LSTM_GATES_BACK] = "lstm_gates_back", [UR_SLOT_GRU_GATES] = "gru_gates",
	[UR_SLOT_GRU_GATES_BACK] = "gru_gates_back", [UR_SLOT_SOFTMAX_TILE] = "softmax_tile",
	[UR_SLOT_SOFTMAX_END] = "softmax_end", [UR_SLOT_SOFTMAX_AGAIN] = "softmax_again",
	[UR_SLOT_SOFTMAX_BACK] = "softmax_back", [UR_SLOT_CROSS_ENTROPY] = "cross_entropy",
	[UR_SLOT_LAYERNORM] = "layernorm", [UR_SLOT_LAYERNORM_BACK] = "layernorm_back", [UR_SLOT_RMSNORM] = "rmsnorm",
	[UR_SLOT_RMSNORM_BACK] = "rmsnorm_back", [UR_SLOT_NORM_GAIN_BACK] = "norm_gain_back",
	[UR_SLOT_RELU] = "relu", [UR_SLOT_RELU_BACK] = "relu_back", [UR_SLOT_GELU] = "gelu",
	[UR_SLOT_GELU_BACK] = "gelu_back", [UR_SLOT_SWIGLU] = "swiglu", [UR_SLOT_SWIGLU_BACK] = "swiglu_back",
	[UR_SLOT_ADAMW] = "adamw", [UR_SLOT_SGD] = "sgd",
};

const char *ur_slot_name(ur_slot slot) { return names[slot]; }

/* -- what a wrapper says of its call -- */

static void touches(int rows, int64_t n, ptrdiff_t ld, const float *x)
{
	if (!(now->how & UR_COUNT_REUSE))
		return;
	for (int i = 0; i < rows; i++) {
		ur_depths_touch(now->depths, x + i * ld, n, now->touched, now->far, &now->first);
		now->touched += (double)n * sizeof(float);
	}
}

/* `rows` rows of n floats, ld floats apart, are read: before anything is marked as written. */
static void reads(int rows, int64_t n, ptrdiff_t ld, const float *x)
{
	if (rows <= 0 || n <= 0)
		return;
	if (ld == n) {
		n *= rows;
		rows = 1;
	}
	touches(rows, n, ld, x);
	for (int i = 0; i < rows && !(now->how & UR_COUNT_TALLY); i++) {
		int32_t depth = ur_depths_most(now->depths, x + i * ld, n, &now->count.blind);
		now->deepest = depth > now->deepest ? depth : now->deepest;
	}
}

/* Panels are touched, but how far back is left to who knows how long such a product takes. */
static void reads_panels(int64_t n, const float *panels)
{
	float far[UR_FARS], first = now->first;

	memcpy(far, now->far, sizeof far);
	reads(1, n, 0, panels);
	memcpy(now->far, far, sizeof far);
	now->first = first;
}

static void reads_scalar(void) { now->deepest = now->scalar > now->deepest ? now->scalar : now->deepest; }

static void writes(int rows, int64_t n, ptrdiff_t ld, float *x)
{
	if (rows <= 0 || n <= 0)
		return;
	if (ld == n) {
		n *= rows;
		rows = 1;
	}
	touches(rows, n, ld, x);
	for (int i = 0; i < rows && !(now->how & UR_COUNT_TALLY); i++)
		ur_depths_set(now->depths, x + i * ld, n, now->deepest + 1);
}

/* The accounts of a call; `floats`: read and written, each operand once. */
static void tally(ur_slot slot, int rows, int64_t n, int K, double flops, double floats)
{
	const int depth = now->how & UR_COUNT_TALLY ? 0 : now->deepest + 1;
	const double bytes = floats * sizeof(float);
	ur_count *c = &now->count;

	c->calls++;
	c->flops += flops;
	c->bytes += bytes;
	c->chain = depth > c->chain ? depth : c->chain;
	if (now->watch) {
		ur_slot_call call = { slot, rows, K, n, depth, flops, bytes, { 0 }, now->first };
		memcpy(call.far, now->far, sizeof call.far);
		now->watch(now->arg, &call);
	}
	if (now->how & UR_COUNT_REUSE) {
		memset(now->far, 0, sizeof now->far);
		now->first = 0;
	}
	now->deepest = 0;
}

static void returns(void) { now->scalar = now->deepest + 1; }

/* Runs the real slot unless it is a dry count. */
#define REAL(call) \
	do { \
		if (!(now->how & UR_COUNT_DRY)) \
			now->real->call; \
	} while (0)

/* -- products -- */

/* Columns of panel p that exist, and the first of them. */
static int panel_columns(const ur_product *p, int nr, int panel, int *first)
{
	const int block = p->N / p->blocks, unit = panel / p->blocks * nr, left = block - unit;

	*first = panel % p->blocks * block + unit;
	return left < 0 ? 0 : left < nr ? left : nr;
}

static void product(const ur_product *p, ur_slot slot, ur_dtype dtype)
{
	const int nr = now->real->nr, mr = now->real->mr, panels = p->p1 - p->p0;
	const size_t apart = p->apart ? p->apart : ur_panel_bytes(now->real, dtype, p->K);
	const double inside = (double)panels * (double)ur_panel_bytes(now->real, dtype, p->K) / sizeof(float);
	int columns = 0, first;

	for (int panel = p->p0; panel < p->p1; panel++)
		columns += panel_columns(p, nr, panel, &first);
	if (p->strip)
		for (int i = 0; i < p->M; i += mr)
			reads(1, (int64_t)p->K * mr, 0, p->A + i / mr * p->strip);
	else if (p->col == 1)
		reads(p->M, p->K, p->row, p->A);
	else
		reads(p->K, p->M, p->col, p->A);
	for (int panel = 0; panel < (p->apart ? panels : 1); panel++)
		reads_panels((int64_t)(p->apart ? inside / panels : inside),
		             (const float *)(const void *)((const char *)p->panels + (size_t)panel * apart));
	for (int pass = 0; pass < 2; pass++)
		for (int panel = p->p0; panel < p->p1; panel++) {
			const int n = panel_columns(p, nr, panel, &first);

			if (pass) {
				writes(p->M, n, p->ldc, p->C + first);
				continue;
			}
			if (p->accumulate)
				reads(p->M, n, p->ldc, p->C + first);
			else if (p->bias)
				reads(1, n, 0, p->bias + first);
			if (slot == UR_SLOT_PRODUCT_I8)
				reads(1, n, 0, p->scale + first);
		}
	tally(slot, p->M, (int64_t)panels * nr, p->K, 2.0 * p->M * columns * p->K,
	      (double)p->M * p->K + inside + (double)p->M * columns * (1 + p->accumulate) +
	      (p->bias && !p->accumulate ? columns : 0));
}

static void product_f32(const ur_product *p)
{
	product(p, UR_SLOT_PRODUCT_F32, UR_F32);
	REAL(product[UR_F32](p));
}

static void product_bf16(const ur_product *p)
{
	product(p, UR_SLOT_PRODUCT_BF16, UR_BF16);
	REAL(product[UR_BF16](p));
}

static void product_i8(const ur_product *p)
{
	product(p, UR_SLOT_PRODUCT_I8, UR_I8);
	REAL(product[UR_I8](p));
}

static void pack(int n, int K, const float *src, ptrdiff_t column, ptrdiff_t depth, float *panel)
{
	const int nr = now->real->nr;

	if (column == 1)
		reads(K, n, depth, src);
	else if (depth == 1)
		reads(n, K, column, src);
	else
		for (int i = 0; i < n; i++)
			reads(K, 1, depth, src + i * column);
	writes(1, (int64_t)K * nr, 0, panel);
	tally(UR_SLOT_PACK, K, n, 0, 0, (double)K * (n + nr));
	REAL(pack(n, K, src, column, depth, panel));
}

static void strips(int M, int K, const float *src, ptrdiff_t ld, float *out)
{
	const int mr = now->real->mr;

	reads(K, M, ld, src);
	writes(1, (int64_t)((M + mr - 1) / mr) * mr * K, 0, out);
	tally(UR_SLOT_STRIPS, K, M, 0, 0, 2.0 * M * K);
	REAL(strips(M, K, src, ld, out));
}

/* -- elementwise -- */

#define MAP(NAME, SLOT, FLOPS) \
	static void NAME##_(int n, const float *x, float *y) \
	{ \
		reads(1, n, 0, x); \
		writes(1, n, 0, y); \
		tally(SLOT, 1, n, 0, FLOPS * (double)n, 2.0 * n); \
		REAL(NAME(n, x, y)); \
	}
#define MAP2(NAME, SLOT, FLOPS) \
	static void NAME##_(int n, const float *a, const float *b, float *y) \
	{ \
		reads(1, n, 0, a); \
		reads(1, n, 0, b); \
		writes(1, n, 0, y); \
		tally(SLOT, 1, n, 0, FLOPS * (double)n, 3.0 * n); \
		REAL(NAME(n, a, b, y)); \
	}
MAP(sigmoid, UR_SLOT_SIGMOID, 1)
MAP(tanh, UR_SLOT_TANH, 1)
MAP(exp, UR_SLOT_EXP, 1)
MAP(relu, UR_SLOT_RELU, 1)
MAP(gelu, UR_SLOT_GELU, 8)
MAP2(mul, UR_SLOT_MUL, 1)
MAP2(tanh_back, UR_SLOT_TANH_BACK, 3)
MAP2(relu_back, UR_SLOT_RELU_BACK, 1)
MAP2(gelu_back, UR_SLOT_GELU_BACK, 15)
MAP2(swiglu, UR_SLOT_SWIGLU, 4)

static void swiglu_back_(int n, const float *gate, const float *up, const float *dy, float *dgate, float *dup)
{
	reads(1, n, 0, gate);
	reads(1, n, 0, up);
	reads(1, n, 0, dy);
	writes(1, n, 0, dgate);
	writes(1, n, 0, dup);
	tally(UR_SLOT_SWIGLU_BACK, 1, n, 0, 8.0 * n, 5.0 * n);
	REAL(swiglu_back(n, gate, up, dy, dgate, dup));
}

static void add_(int n, const float *x, float *y)
{
	reads(1, n, 0, x);
	reads(1, n, 0, y);
	writes(1, n, 0, y);
	tally(UR_SLOT_ADD, 1, n, 0, n, 3.0 * n);
	REAL(add(n, x, y));
}

static void axpy_(int n, float a, const float *x, float *y)
{
	reads_scalar();
	reads(1, n, 0, x);
	reads(1, n, 0, y);
	writes(1, n, 0, y);
	tally(UR_SLOT_AXPY, 1, n, 0, 2.0 * n, 3.0 * n);
	REAL(axpy(n, a, x, y));
}

static void scale_(int n, float a, float *x)
{
	reads_scalar();
	reads(1, n, 0, x);
	writes(1, n, 0, x);
	tally(UR_SLOT_SCALE, 1, n, 0, n, 2.0 * n);
	REAL(scale(n, a, x));
}

/* -- rows that are moved -- */

static void copy_(int rows, int n, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy)
{
	reads(rows, n, ldx, x);
	writes(rows, n, ldy, y);
	tally(UR_SLOT_COPY, rows, n, 0, 0, 2.0 * rows * n);
	REAL(copy(rows, n, x, ldx, y, ldy));
}

static void fill_(int rows, int n, float a, float *x, ptrdiff_t ldx)
{
	writes(rows, n, ldx, x);
	tally(UR_SLOT_FILL, rows, n, 0, 0, (double)rows * n);
	REAL(fill(rows, n, a, x, ldx));
}

/* The turns are no data: they follow from the position alone, and depend on no kernel. */
static void rotate_(int heads, int n, const float *turn, float *x)
{
	reads(1, (int64_t)heads * n, 0, x);
	writes(1, (int64_t)heads * n, 0, x);
	tally(UR_SLOT_ROTATE, heads, n, 0, 3.0 * heads * n, 2.0 * heads * n + n);
	REAL(rotate(heads, n, turn, x));
}

/* -- reductions, and rows of a matrix that is not packed -- */

static double dot_(int n, const float *a, const float *b)
{
	reads(1, n, 0, a);
	reads(1, n, 0, b);
	returns();
	tally(UR_SLOT_DOT, 1, n, 0, 2.0 * n, 2.0 * n);
	return now->how & UR_COUNT_DRY ? 0 : now->real->dot(n, a, b);
}

static double sum_squares_(size_t n, const float *x)
{
	reads(1, (int64_t)n, 0, x);
	returns();
	tally(UR_SLOT_SUM_SQUARES, 1, (int64_t)n, 0, 2.0 * (double)n, (double)n);
	return now->how & UR_COUNT_DRY ? 0 : now->real->sum_squares(n, x);
}

static void column_sums_(int rows, int n, const float *x, ptrdiff_t ld, float *out)
{
	reads(rows, n, ld, x);
	reads(1, n, 0, out);
	writes(1, n, 0, out);
	tally(UR_SLOT_COLUMN_SUMS, rows, n, 0, (double)rows * n, (rows + 2.0) * n);
	REAL(column_sums(rows, n, x, ld, out));
}

static void row_dots_(int rows, int n, const float *x, ptrdiff_t ld, const float *q, float *out)
{
	reads(rows, n, ld, x);
	reads(1, n, 0, q);
	writes(1, rows, 0, out);
	tally(UR_SLOT_ROW_DOTS, rows, n, 0, 2.0 * rows * n, (rows + 1.0) * n + rows);
	REAL(row_dots(rows, n, x, ld, q, out));
}

static void row_sum_(int rows, int n, const float *p, const float *x, ptrdiff_t ld, float *y)
{
	reads(1, rows, 0, p);
	reads(rows, n, ld, x);
	reads(1, n, 0, y);
	writes(1, n, 0, y);
	tally(UR_SLOT_ROW_SUM, rows, n, 0, 2.0 * rows * n, (rows + 2.0) * n + rows);
	REAL(row_sum(rows, n, p, x, ld, y));
}

static void row_tanh_back_(int rows, int n, const float *p, const float *v, const float *z, float *y, float *dx)
{
	const int64_t all = (int64_t)rows * n;

	reads(1, rows, 0, p);
	reads(1, n, 0, v);
	reads(1, all, 0, z);
	reads(1, n, 0, y);
	reads(1, all, 0, dx);
	writes(1, n, 0, y);
	writes(1, all, 0, dx);
	tally(UR_SLOT_ROW_TANH_BACK, rows, n, 0, 6.0 * (double)all, 3.0 * (double)all + 3.0 * n + rows);
	REAL(row_tanh_back(rows, n, p, v, z, y, dx));
}

/* -- gates -- */

static void lstm_gates_(int n, float *a, ptrdiff_t stride, const float *c_prev, float *c, float *h)
{
	reads(4, n, stride, a);
	reads(1, n, 0, c_prev);
	writes(4, n, stride, a);
	writes(1, n, 0, c);
	writes(1, n, 0, h);
	tally(UR_SLOT_LSTM_GATES, 1, n, 0, 9.0 * n, 11.0 * n);
	REAL(lstm_gates(n, a, stride, c_prev, c, h));
}

static void lstm_gates_back_(int n, const float *a, ptrdiff_t stride, const float *c_prev, const float *c,
                             const float *dh, float *dc, float *da)
{
	reads(4, n, stride, a);
	reads(1, n, 0, c_prev);
	reads(1, n, 0, c);
	reads(1, n, 0, dh);
	reads(1, n, 0, dc);
	writes(1, n, 0, dc);
	writes(4, n, stride, da);
	tally(UR_SLOT_LSTM_GATES_BACK, 1, n, 0, 20.0 * n, 13.0 * n);
	REAL(lstm_gates_back(n, a, stride, c_prev, c, dh, dc, da));
}

static void gru_gates_(int n, float *a, float *u, ptrdiff_t stride, const float *h_prev, float *h)
{
	reads(3, n, stride, a);
	reads(3, n, stride, u);
	reads(1, n, 0, h_prev);
	writes(3, n, stride, a);
	writes(1, n, 0, h);
	tally(UR_SLOT_GRU_GATES, 1, n, 0, 11.0 * n, 11.0 * n);
	REAL(gru_gates(n, a, u, stride, h_prev, h));
}

static void gru_gates_back_(int n, const float *a, const float *un, ptrdiff_t stride, const float *h_prev, float *dh,
                            float *da, float *du)
{
	reads(3, n, stride, a);
	reads(1, n, 0, un);
	reads(1, n, 0, h_prev);
	reads(1, n, 0, dh);
	writes(1, n, 0, dh);
	writes(3, n, stride, da);
	writes(3, n, stride, du);
	tally(UR_SLOT_GRU_GATES_BACK, 1, n, 0, 15.0 * n, 13.0 * n);
	REAL(gru_gates_back(n, a, un, stride, h_prev, dh, da, du));
}

/* -- softmax -- */

static void softmax_tile_(int rows, int n, int total, float scale, float *s, ptrdiff_t ld, float *m, float *sum,
                          float *back)
{
	reads(rows, n, ld, s);
	reads(1, rows, 0, m);
	reads(1, rows, 0, sum);
	writes(rows, total, ld, s);
	writes(1, rows, 0, m);
	writes(1, rows, 0, sum);
	writes(1, rows, 0, back);
	returns();
	tally(UR_SLOT_SOFTMAX_TILE, rows, n, 0, 5.0 * rows * n, rows * (n + total + 5.0));
	REAL(softmax_tile(rows, n, total, scale, s, ld, m, sum, back));
}

static void softmax_end_(int n, const float *m, const float *sum, float *o, float *lse)
{
	reads(1, n, 0, o);
	reads(1, 1, 0, m);
	reads(1, 1, 0, sum);
	writes(1, n, 0, o);
	if (lse)
		writes(1, 1, 0, lse);
	tally(UR_SLOT_SOFTMAX_END, 1, n, 0, n + (lse ? 3.0 : 1.0), 2.0 * n + 3);
	REAL(softmax_end(n, m, sum, o, lse));
}

static void softmax_again_(int n, int total, float scale, float lse, float *s)
{
	reads(1, n, 0, s);
	writes(1, total, 0, s);
	tally(UR_SLOT_SOFTMAX_AGAIN, 1, n, 0, 3.0 * n, (double)n + total);
	REAL(softmax_again(n, total, scale, lse, s));
}

static void softmax_back_(int n, float scale, float delta, const float *p, float *dp)
{
	reads_scalar();
	reads(1, n, 0, p);
	reads(1, n, 0, dp);
	writes(1, n, 0, dp);
	tally(UR_SLOT_SOFTMAX_BACK, 1, n, 0, 3.0 * n, 3.0 * n);
	REAL(softmax_back(n, scale, delta, p, dp));
}

static double cross_entropy_(int n, float *x, int target, float weight)
{
	reads(1, n, 0, x);
	if (weight != 0)
		writes(1, n, 0, x);
	returns();
	tally(UR_SLOT_CROSS_ENTROPY, 1, n, 0, 6.0 * n, 2.0 * n);
	return now->how & UR_COUNT_DRY ? 0 : now->real->cross_entropy(n, x, target, weight);
}

/* -- norms -- */

static void layernorm_(int n, float eps, const float *x, const float *g, const float *b, float *y, float stats[2])
{
	reads(1, n, 0, x);
	reads(1, n, 0, g);
	reads(1, b ? n : 0, 0, b);
	writes(1, n, 0, y);
	writes(1, 2, 0, stats);
	tally(UR_SLOT_LAYERNORM, 1, n, 0, 8.0 * n, 4.0 * n);
	REAL(layernorm(n, eps, x, g, b, y, stats));
}

static void norm_back(ur_slot slot, int n, const float *x, const float *g, const float stats[2], const float *dy,
                      float *dx, double flops)
{
	reads(1, n, 0, x);
	reads(1, n, 0, g);
	reads(1, 2, 0, stats);
	reads(1, n, 0, dy);
	writes(1, n, 0, dx);
	tally(slot, 1, n, 0, flops * n, 4.0 * n);
}

static void layernorm_back_(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx)
{
	norm_back(UR_SLOT_LAYERNORM_BACK, n, x, g, stats, dy, dx, 13);
	REAL(layernorm_back(n, x, g, stats, dy, dx));
}

static void rmsnorm_(int n, float eps, const float *x, const float *g, float *y, float stats[2])
{
	reads(1, n, 0, x);
	reads(1, n, 0, g);
	writes(1, n, 0, y);
	writes(1, 2, 0, stats);
	tally(UR_SLOT_RMSNORM, 1, n, 0, 4.0 * n, 3.0 * n);
	REAL(rmsnorm(n, eps, x, g, y, stats));
}

static void rmsnorm_back_(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx)
{
	norm_back(UR_SLOT_RMSNORM_BACK, n, x, g, stats, dy, dx, 9);
	REAL(rmsnorm_back(n, x, g, stats, dy, dx));
}

static void norm_gain_back_(int rows, int n, ptrdiff_t ld, const float *x, const float *stats, const float *dy,
                            float *dg)
{
	reads(rows, n, ld, x);
	reads(rows, n, ld, dy);
	reads(1, 2 * (int64_t)rows, 0, stats);
	reads(1, n, 0, dg);
	writes(1, n, 0, dg);
	tally(UR_SLOT_NORM_GAIN_BACK, rows, n, 0, 4.0 * rows * n, 2.0 * rows * n + 2.0 * n);
	REAL(norm_gain_back(rows, n, ld, x, stats, dy, dg));
}

/* -- optimisers -- */

static void adamw_(size_t n, const ur_adamw *o, float *w, const float *g, float *m, float *v)
{
	const int64_t count = (int64_t)n;

	reads(1, count, 0, w);
	reads(1, count, 0, g);
	reads(1, count, 0, m);
	reads(1, count, 0, v);
	writes(1, count, 0, w);
	writes(1, count, 0, m);
	writes(1, count, 0, v);
	tally(UR_SLOT_ADAMW, 1, count, 0, 17.0 * (double)n, 7.0 * (double)n);
	REAL(adamw(n, o, w, g, m, v));
}

static void sgd_(size_t n, float lr, float momentum, float decay, float scale, float *w, const float *g, float *m)
{
	const int64_t count = (int64_t)n;

	reads(1, count, 0, w);
	reads(1, count, 0, g);
	reads(1, count, 0, m);
	writes(1, count, 0, w);
	writes(1, count, 0, m);
	tally(UR_SLOT_SGD, 1, count, 0, 7.0 * (double)n, 5.0 * (double)n);
	REAL(sgd(n, lr, momentum, decay, scale, w, g, m));
}

/* -- the counter -- */

ur_status ur_counter_open(const ur_kernels *real, unsigned how, ur_counter **out, ur_err *err)
{
	ur_counter *c;

	*out = NULL;
	if (now)
		return ur_fail(err, UR_E_INVALID, "this thread counts kernels already: one counter at a time");
	c = calloc(1, sizeof *c);
	if (!c || !(c->depths = ur_depths_open())) {
		free(c);
		return ur_fail(err, UR_E_NOMEM, "no memory to count kernels");
	}
	c->real = real;
	c->how = how;
	c->kernels = (ur_kernels){
		.name = real->name, .nr = real->nr, .mr = real->mr, .kc = real->kc,
		.product = { product_f32, product_bf16, product_i8 }, .pack = pack, .strips = strips,
		.sigmoid = sigmoid_, .tanh = tanh_, .exp = exp_, .add = add_, .axpy = axpy_, .scale = scale_, .mul = mul_,
		.tanh_back = tanh_back_, .copy = copy_, .fill = fill_, .rotate = rotate_,
		.dot = dot_, .sum_squares = sum_squares_, .column_sums = column_sums_,
		.row_dots = row_dots_, .row_sum = row_sum_, .row_tanh_back = row_tanh_back_,
		.lstm_gates = lstm_gates_, .lstm_gates_back = lstm_gates_back_,
		.gru_gates = gru_gates_, .gru_gates_back = gru_gates_back_,
		.softmax_tile = softmax_tile_, .softmax_end = softmax_end_, .softmax_again = softmax_again_,
		.softmax_back = softmax_back_, .cross_entropy = cross_entropy_,
		.layernorm = layernorm_, .layernorm_back = layernorm_back_, .rmsnorm = rmsnorm_,
		.rmsnorm_back = rmsnorm_back_, .norm_gain_back = norm_gain_back_,
		.relu = relu_, .relu_back = relu_back_, .gelu = gelu_, .gelu_back = gelu_back_,
		.swiglu = swiglu_, .swiglu_back = swiglu_back_, .adamw = adamw_, .sgd = sgd_,
		.peak = real->peak,     /* touches no memory and is no part of any call */
	};
	*out = now = c;
	return UR_OK;
}

void ur_counter_close(ur_counter *c)
{
	if (!c)
		return;
	now = NULL;
	ur_depths_close(c->depths);
	free(c);
}

const ur_kernels *ur_counter_kernels(const ur_counter *c) { return &c->kernels; }

void ur_counter_declare(ur_counter *c, const void *at, size_t bytes)
{
	if (!(c->how & UR_COUNT_TALLY))
		ur_depths_set(c->depths, at, (int64_t)(bytes / sizeof(float)), 0);
}

void ur_counter_reset(ur_counter *c)
{
	c->count = (ur_count){ 0 };
	c->scalar = 0;
	c->touched = 0;
	ur_depths_clear(c->depths);
}

void ur_counter_watch(ur_counter *c, ur_slot_watch *watch, void *arg)
{
	c->watch = watch;
	c->arg = arg;
}

ur_status ur_counter_read(const ur_counter *c, ur_count *out, ur_err *err)
{
	*out = c->count;
	return ur_depths_failed(c->depths) ? ur_fail(err, UR_E_NOMEM, "no memory to follow what depends on what") : UR_OK;
}

/* -- a mixer's call -- */

ur_status ur_count_rig(const ur_rig_spec *spec, unsigned how, ur_slot_watch *watch, void *arg, ur_count *out,
                       ur_err *err)
{
	ur_counter *c = NULL;
	ur_rig rig = { 0 };
	ur_ctx ctx;
	ur_status status;

	*out = (ur_count){ 0 };
	if (!ur_ctx_open(&ctx, NULL, 1))
		return ur_fail(err, UR_E_NOMEM, "no kernels or no memory to count with");
	status = ur_counter_open(ctx.k, how, &c, err);
	if (!status) {
		ctx.k = ur_counter_kernels(c);
		status = ur_rig_open(&rig, spec, &ctx, err);
	}
	if (!status) {
		ur_counter_reset(c);
		ur_counter_declare(c, rig.memory.base, rig.inputs);
		ur_counter_watch(c, watch, arg);
		ur_rig_run(&rig);
		status = ur_counter_read(c, out, err);
	}
	ur_rig_close(&rig);
	ur_counter_close(c);
	ur_ctx_close(&ctx);
	return status;
}

ur_status ur_count_mixer(const ur_mixer_forward *forward, const ur_mixer_backward *backward, const ur_dims *dims,
                         int T, int B, ur_rig_pass pass, ur_count *out, ur_err *err)
{
	return ur_count_rig(&(ur_rig_spec){ .forward = forward, .backward = backward, .dims = *dims, .T = T, .B = B,
	                                    .pass = pass, .empty = 1 }, UR_COUNT_DRY, NULL, NULL, out, err);
}
