/* Products of whole matrices on the pool. Work is cut into row chunks that keep their input in the second-level cache
 * while every panel of the weights passes over them. */
#include "kernel/gemm.h"

#include <math.h>
#include <string.h>

enum { CHUNK_ROWS = 120 }; /* rows: a multiple of every set's mr */

static int least(int a, int b) { return a < b ? a : b; }

int ur_ctx_open(ur_ctx *ctx, const char *level, int threads)
{
	*ctx = (ur_ctx){ .k = ur_kernels_pick(level) };
	if (!ctx->k)
		return 0;
	if (threads != 1) {
		ctx->pool = ur_pool_open(threads);
		if (!ctx->pool)
			return 0;
	}
	ctx->threads = ur_pool_threads(ctx->pool);
	for (int pass = 0; pass < 2; pass++) {
		if (pass && !ur_arena_open(&ctx->memory)) {
			ur_ctx_close(ctx);
			return 0;
		}
		ctx->scratch = UR_TAKE(&ctx->memory, float, (size_t)ctx->threads * UR_SCRATCH);
	}
	return 1;
}

void ur_ctx_close(ur_ctx *ctx)
{
	ur_pool_close(ctx->pool);
	ur_arena_close(&ctx->memory);
	*ctx = (ur_ctx){ 0 };
}

int ur_panel_count(const ur_kernels *k, int N, int blocks) { return (N / blocks + k->nr - 1) / k->nr * blocks; }

size_t ur_panels_size(const ur_kernels *k, int N, int K, int blocks)
{
	return (size_t)ur_panel_count(k, N, blocks) * (size_t)k->nr * (size_t)K;
}

/* Packs panel p alone. */
static void pack_panel(const ur_kernels *k, int N, int K, int blocks, const float *src, ptrdiff_t column,
                       ptrdiff_t depth, float *panels, int p)
{
	int block = N / blocks, unit = p / blocks * k->nr, first = p % blocks * block + unit;
	k->pack(least(block - unit, k->nr), K, src + first * column, column, depth,
	        panels + (size_t)p * (size_t)K * (size_t)k->nr);
}

void ur_pack(const ur_kernels *k, int N, int K, int blocks, const float *src, ptrdiff_t column, ptrdiff_t depth,
             float *panels)
{
	for (int p = 0; p < ur_panel_count(k, N, blocks); p++)
		pack_panel(k, N, K, blocks, src, column, depth, panels, p);
}

size_t ur_mat_bytes(const ur_kernels *k, const ur_mat *w)
{
	return (size_t)ur_panel_count(k, w->rows, w->blocks) *
	       (ur_panel_bytes(k, w->dtype, w->cut) + ur_panel_bytes(k, w->dtype, w->cols - w->cut));
}

void ur_i8_scales(int rows, int cols, const float *values, float *scale)
{
	for (int i = 0; i < rows; i++, values += cols) {
		float most = 0;
		for (int j = 0; j < cols; j++)
			if (!isnan(most) && !(fabsf(values[j]) <= most)) /* a NaN stays */
				most = fabsf(values[j]);
		scale[i] = most / 127;
	}
}

void ur_i8_round(int n, const float *values, float scale, int8_t *to)
{
	for (int i = 0; i < n; i++) {
		float q = rintf(values[i] / scale);
		to[i] = (int8_t)(q >= -127 && q <= 127 ? q : 0);
	}
}

/* n rows of values, ld floats apart, as a panel; scale: of these rows. */
static void pack_bf16(int nr, int n, int depth, const float *values, ptrdiff_t ld, uint32_t *panel)
{
	const int half = nr / 2;

	for (int k = 0; k < depth; k++)
		for (int j = 0; j < half; j++) {
			uint32_t low = j < n ? ur_bf16_of(values[j * ld + k]) : 0;
			uint32_t high = j + half < n ? ur_bf16_of(values[(j + half) * ld + k]) : 0;
			panel[k * half + j] = low | high << 16;
		}
}

static void pack_i8(int nr, int n, int depth, const float *values, ptrdiff_t ld, const float *scale, int8_t *panel)
{
	memset(panel, 0, (size_t)(depth + 3) / 4 * 4 * (size_t)nr);
	for (int j = 0; j < n; j++)
		for (int k = 0; k < depth; k += 4)
			ur_i8_round(least(4, depth - k), values + j * ld + k, scale[j], panel + k * nr + 4 * j);
}

void ur_pack_as(const ur_kernels *k, const ur_mat *w, const float *values)
{
	const int block = w->rows / w->blocks, cuts[] = { 0, w->cut, w->cols };
	char *to = (char *)(uintptr_t)w->panels; /* only const for those who use them */

	for (int p = 0; p < ur_panel_count(k, w->rows, w->blocks); p++)
		for (int part = 0; part < 2; part++) {
			const int unit = p / w->blocks * k->nr, first = p % w->blocks * block + unit;
			const int n = least(block - unit, k->nr), depth = cuts[part + 1] - cuts[part];
			const float *from = values + (ptrdiff_t)first * w->cols + cuts[part];

			if (w->dtype == UR_F32)
				k->pack(n, depth, from, w->cols, 1, (float *)(void *)to);
			else if (w->dtype == UR_BF16)
				pack_bf16(k->nr, n, depth, from, w->cols, (uint32_t *)(void *)to);
			else
				pack_i8(k->nr, n, depth, from, w->cols, w->scale + first, (int8_t *)to);
			to += ur_panel_bytes(k, w->dtype, depth);
		}
}

static float weight_at(int nr, ur_dtype dtype, const char *panel, int k, int j, float scale)
{
	const int half = nr / 2;

	if (dtype == UR_F32)
		return ((const float *)(const void *)panel)[k * nr + j];
	if (dtype == UR_BF16) {
		uint32_t word = ((const uint32_t *)(const void *)panel)[k * half + j % half];
		return ur_bf16_value((uint16_t)(j < half ? word : word >> 16));
	}
	return (float)(int8_t)panel[k / 4 * 4 * nr + 4 * j + k % 4] * scale;
}

void ur_unpack(const ur_kernels *k, const ur_mat *w, int row, int from, int n, float *values)
{
	const int block = w->rows / w->blocks, unit = row % block;
	const size_t first = ur_panel_bytes(k, w->dtype, w->cut);
	const size_t apart = first + ur_panel_bytes(k, w->dtype, w->cols - w->cut);
	const char *panel = (const char *)w->panels + (size_t)(unit / k->nr * w->blocks + row / block) * apart;
	const float scale = w->dtype == UR_I8 ? w->scale[row] : 1;

	for (int c = from; c < from + n; c++)
		values[c - from] = weight_at(k->nr, w->dtype, panel + (c < w->cut ? 0 : first), c < w->cut ? c : c - w->cut,
		                             unit % k->nr, scale);
}

size_t ur_pack_size(const ur_kernels *k, const ur_mat *w, int training)
{
	return ur_panels_size(k, w->rows, w->cols, w->blocks) + (training ? ur_panels_size(k, w->cols, w->rows, 1) : 0);
}

/* Panels of all matrices, numbered one after the other. */
struct pack_job { const ur_ctx *c; const ur_mat *w; int n; };

static int plain_panels(const ur_kernels *k, const ur_mat *w)
{
	return w->panels && w->data && w->dtype == UR_F32 ? ur_panel_count(k, w->rows, w->blocks) : 0;
}

static int turned_panels(const ur_kernels *k, const ur_mat *w)
{
	return w->panels_t && w->data ? ur_panel_count(k, w->cols, 1) : 0;
}

static void pack_task(void *arg, int task, int thread)
{
	const struct pack_job *j = arg;
	const ur_kernels *k = j->c->k;
	(void)thread;

	for (int i = 0; i < j->n; i++) {
		const ur_mat *w = &j->w[i];
		int plain = plain_panels(k, w), turned = turned_panels(k, w);
		/* panels only const for those who use them; packing is the one who writes */
		if (task < plain) {
			pack_panel(k, w->rows, w->cols, w->blocks, w->data, w->cols, 1, (float *)(uintptr_t)w->panels, task);
			return;
		}
		task -= plain;
		if (task < turned) {
			pack_panel(k, w->cols, w->rows, 1, w->data, 1, w->cols, (float *)(uintptr_t)w->panels_t, task);
			return;
		}
		task -= turned;
	}
}

void ur_pack_weights(const ur_ctx *c, int n, const ur_mat *w)
{
	int tasks = 0;
	for (int i = 0; i < n; i++)
		tasks += plain_panels(c->k, &w[i]) + turned_panels(c->k, &w[i]);
	ur_pool_run(c->pool, tasks, pack_task, &(struct pack_job){ c, w, n });
}

/* C(M, N) = A panels, cut into chunks of rows and, where rows are few, of panels. */
struct product_job { const ur_ctx *c; ur_product p; ur_dtype dtype; int rows, row_chunks, wide; };

static void product_task(void *arg, int task, int thread)
{
	const struct product_job *j = arg;
	ur_product p = j->p;
	int row = task % j->row_chunks * j->rows, panel = task / j->row_chunks * j->wide;
	(void)thread;

	p.A += row * p.row;
	p.C += row * p.ldc;
	p.M = least(j->rows, p.M - row);
	p.panels = (const char *)p.panels + (size_t)panel * ur_panel_bytes(j->c->k, j->dtype, p.K);
	p.p0 = panel;
	p.p1 = least(panel + j->wide, p.p1);
	j->c->k->product[j->dtype](&p);
}

static void run_product(const ur_ctx *c, const ur_product *p, ur_dtype dtype)
{
	struct product_job j = { c, *p, dtype, CHUNK_ROWS, 0, p->p1 };
	int tasks;

	if (p->M <= 0 || p->N <= 0)
		return;
	/* enough chunks to keep every thread busy to the end, none so small that starting it shows */
	if (c->threads > 1) {
		int want = 4 * c->threads, rows = (p->M / want + 11) / 12 * 12;
		j.rows = rows < 12 ? 12 : least(rows, CHUNK_ROWS);
	}
	j.row_chunks = (p->M + j.rows - 1) / j.rows;
	if (c->threads > 1 && j.row_chunks < 2 * c->threads) {
		int parts = 2 * c->threads / j.row_chunks;
		j.wide = (p->p1 + parts - 1) / parts;
	}
	tasks = j.row_chunks * ((p->p1 + j.wide - 1) / j.wide);
	ur_pool_run(c->pool, tasks, product_task, &j);
}

static ur_product forward_of(const ur_kernels *k, int M, const ur_mat *w, const float *bias, const float *x,
                             ptrdiff_t ldx, float *y, ptrdiff_t ldy, int accumulate)
{
	return (ur_product){
		.M = M, .N = w->rows, .K = w->cols, .blocks = w->blocks, .A = x, .row = ldx, .col = 1,
		.panels = w->panels, .scale = w->scale, .p1 = ur_panel_count(k, w->rows, w->blocks),
		.C = y, .ldc = ldy, .bias = bias, .accumulate = accumulate,
	};
}

void ur_linear(const ur_ctx *c, int M, const ur_mat *w, const float *bias, const float *x, ptrdiff_t ldx,
               float *y, ptrdiff_t ldy, int accumulate)
{
	ur_product p = forward_of(c->k, M, w, bias, x, ldx, y, ldy, accumulate);
	run_product(c, &p, w->dtype);
}

void ur_linear_serial(const ur_kernels *k, int M, const ur_mat *w, const float *bias, const float *x, ptrdiff_t ldx,
                      float *y, ptrdiff_t ldy, int accumulate)
{
	ur_product p = forward_of(k, M, w, bias, x, ldx, y, ldy, accumulate);
	k->product[w->dtype](&p);
}

void ur_linear_part(const ur_kernels *k, int M, const ur_mat *w, int behind, const float *bias, const float *x,
                    ptrdiff_t ldx, float *y, ptrdiff_t ldy, int accumulate)
{
	const size_t first = ur_panel_bytes(k, w->dtype, w->cut);
	ur_product p = forward_of(k, M, w, bias, x, ldx, y, ldy, accumulate);

	p.K = behind ? w->cols - w->cut : w->cut;
	p.panels = (const char *)w->panels + (behind ? first : 0);
	p.apart = first + ur_panel_bytes(k, w->dtype, w->cols - w->cut);
	k->product[w->dtype](&p);
}

void ur_linear_back(const ur_ctx *c, int M, const ur_mat *w, const float *dy, ptrdiff_t ldy, float *dx, ptrdiff_t ldx,
                    int accumulate)
{
	ur_product p = {
		.M = M, .N = w->cols, .K = w->rows, .blocks = 1, .A = dy, .row = ldy, .col = 1,
		.panels = w->panels_t, .p1 = ur_panel_count(c->k, w->cols, 1), .C = dx, .ldc = ldx, .accumulate = accumulate,
	};
	run_product(c, &p, UR_F32);
}

/* dw += dy^T x: one task a tile of dw, which passes over all rows of dy and x in blocks of depth. Both operands are
 * packed into the thread's scratch first: in place, a transposed dy would touch a cache line of a new page for every
 * row. A tile has as many rows as the threads allow, because each packs its x anew; its dy is packed a stretch of rows
 * at a time. */
struct grad_job {
	const ur_ctx *c;
	int M, out, in, rows, row_tiles;
	const float *dy, *x;
	ptrdiff_t ldy, ldx;
	float *dw, *dbias;
};

static void grad_task(void *arg, int task, int thread)
{
	const struct grad_job *j = arg;
	const ur_kernels *k = j->c->k;
	const int row = task % j->row_tiles * j->rows, col = task / j->row_tiles * UR_GRAD_COLS;
	const int end = least(row + j->rows, j->out), cols = least(UR_GRAD_COLS, j->in - col);
	float *a = ur_scratch(j->c, thread), *b = a + UR_GRAD_DEPTH * UR_GRAD_ROWS;

	if (j->dbias && col == 0)
		k->column_sums(j->M, end - row, j->dy + row, j->ldy, j->dbias + row);
	for (int m = 0; m < j->M; m += UR_GRAD_DEPTH) {
		int depth = least(UR_GRAD_DEPTH, j->M - m);

		ur_pack(k, cols, depth, 1, j->x + m * j->ldx + col, 1, j->ldx, b);
		for (int r = row; r < end; r += UR_GRAD_ROWS) {
			int rows = least(UR_GRAD_ROWS, end - r);
			k->strips(rows, depth, j->dy + m * j->ldy + r, j->ldy, a);
			k->product[UR_F32](&(ur_product){
				.M = rows, .N = cols, .K = depth, .blocks = 1, .A = a, .row = 1, .col = k->mr,
				.strip = (ptrdiff_t)k->mr * depth, .panels = b, .p1 = ur_panel_count(k, cols, 1),
				.C = j->dw + (ptrdiff_t)r * j->in + col, .ldc = j->in, .accumulate = 1,
			});
		}
	}
}

void ur_linear_grad(const ur_ctx *c, int M, int out, int in, const float *dy, ptrdiff_t ldy, const float *x,
                    ptrdiff_t ldx, float *dw, float *dbias)
{
	struct grad_job j = { .c = c, .M = M, .out = out, .in = in, .dy = dy, .x = x, .ldy = ldy, .ldx = ldx, .dw = dw,
	                      .dbias = dbias };
	int col_tiles = (in + UR_GRAD_COLS - 1) / UR_GRAD_COLS, parts;

	if (M <= 0)
		return;
	/* two tiles a thread, so that none waits long for the last */
	parts = c->threads > 1 ? (2 * c->threads + col_tiles - 1) / col_tiles : 1;
	j.rows = ((out + parts - 1) / parts + c->k->mr - 1) / c->k->mr * c->k->mr;
	j.row_tiles = (out + j.rows - 1) / j.rows;
	ur_pool_run(c->pool, j.row_tiles * col_tiles, grad_task, &j);
}

struct rows_job { ur_rows_fn *fn; void *arg; int n, parts; };

static void rows_task(void *arg, int task, int thread)
{
	const struct rows_job *j = arg;
	int from = (int)((long)j->n * task / j->parts), to = (int)((long)j->n * (task + 1) / j->parts);
	if (from < to)
		j->fn(j->arg, from, to, thread);
}

void ur_for_rows(const ur_ctx *c, int n, int fewest, ur_rows_fn *fn, void *arg)
{
	int parts = c->threads;
	if (fewest > 0 && n / fewest < parts)
		parts = n / fewest > 0 ? n / fewest : 1;
	ur_pool_run(c->pool, parts, rows_task, &(struct rows_job){ fn, arg, n, parts });
}
