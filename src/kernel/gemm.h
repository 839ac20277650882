/* Products of whole matrices on the pool: weights packed once, then rows times packed weights, and weight gradients.
 * Each result element is one chain over its depth in order (kernel.h), so no result depends on the thread count. */
#ifndef UR_GEMM_H
#define UR_GEMM_H

#include "base/arena.h"
#include "base/pool.h"
#include "kernel/kernel.h"

/* What every numeric call is given: kernels, threads, and each thread's scratch. Immutable once open. */
typedef struct ur_ctx {
	const ur_kernels *k;
	ur_pool *pool;
	int threads;
	float *scratch;   /* threads x UR_SCRATCH floats; a task may use its thread's part while it runs */
	ur_arena memory;
} ur_ctx;

/* A weight gradient's tile: rows of dy^T (a multiple of every mr) and columns of x packed at a time, and
 * their depth. */
enum {
	UR_GRAD_ROWS = 192, UR_GRAD_COLS = 256, UR_GRAD_DEPTH = 256,
	UR_SCRATCH = UR_GRAD_DEPTH * (UR_GRAD_ROWS + UR_GRAD_COLS + 32)  /* both, to whole panels */
};

/* level as in ur_kernels_pick; threads < 1: all. 0 and *ctx is empty: no such kernels, or no memory. */
int ur_ctx_open(ur_ctx *ctx, const char *level, int threads);
void ur_ctx_close(ur_ctx *ctx);
static inline float *ur_scratch(const ur_ctx *c, int thread) { return c->scratch + (size_t)thread * UR_SCRATCH; }

/* Panels of a (K, N) matrix in `blocks` blocks of columns: how many, and their floats. */
int ur_panel_count(const ur_kernels *k, int N, int blocks);
size_t ur_panels_size(const ur_kernels *k, int N, int K, int blocks);
/* Packs B(k, n) = src[n * column + k * depth] into panels. Serial;
 * ur_pack_weights does both of a weight's on the pool. */
void ur_pack(const ur_kernels *k, int N, int K, int blocks, const float *src, ptrdiff_t column, ptrdiff_t depth,
             float *panels);

/* Floats behind the panels of `n` matrices (rows, cols, blocks set), with the transposed ones where `training`. */
size_t ur_pack_size(const ur_kernels *k, const ur_mat *w, int training);
/* Bytes of the panels of a matrix (rows, cols, blocks, cut, dtype set). Of a cut one each panel is two, one right after
 * the other. */
size_t ur_mat_bytes(const ur_kernels *k, const ur_mat *w);
/* Scales of `rows` rows of UR_I8: max|row| / 127. */
void ur_i8_scales(int rows, int cols, const float *values, float *scale);
/* The bytes that stand for a row's n values: value / scale to the nearest, ties to even; 0 where that is no number. */
void ur_i8_round(int n, const float *values, float scale, int8_t *to);
/* Fills the panels of a matrix of any storage from values (rows, cols); UR_I8: by its scales. Serial. */
void ur_pack_as(const ur_kernels *k, const ur_mat *w, const float *values);
/* Values of row `row`, columns [from, from + n), from the panels of a matrix of any storage. */
void ur_unpack(const ur_kernels *k, const ur_mat *w, int row, int from, int n, float *values);
/* Packs every UR_F32 matrix of w[n] that has data and panels, from its data, into its panels (and panels_t where
 * set). */
void ur_pack_weights(const ur_ctx *c, int n, const ur_mat *w);

/* y(M, out) = x(M, in) W^T + bias, or += (then bias is not added). ldx, ldy: floats from row to row. On the pool. */
void ur_linear(const ur_ctx *c, int M, const ur_mat *w, const float *bias, const float *x, ptrdiff_t ldx,
               float *y, ptrdiff_t ldy, int accumulate);
/* The same on the calling thread, for use inside a task and in step. */
void ur_linear_serial(const ur_kernels *k, int M, const ur_mat *w, const float *bias, const float *x, ptrdiff_t ldx,
                      float *y, ptrdiff_t ldy, int accumulate);
/* The same with the first w->cut columns of W alone, or with those behind them; x is as wide as they are many. */
void ur_linear_part(const ur_kernels *k, int M, const ur_mat *w, int behind, const float *bias, const float *x,
                    ptrdiff_t ldx, float *y, ptrdiff_t ldy, int accumulate);
/* dx(M, in) = dy(M, out) W, or +=. On the pool. */
void ur_linear_back(const ur_ctx *c, int M, const ur_mat *w, const float *dy, ptrdiff_t ldy, float *dx, ptrdiff_t ldx,
                    int accumulate);
/* dw(out, in) += dy(M, out)^T x(M, in); dbias(out) += column sums of dy where it is not NULL. On the pool. */
void ur_linear_grad(const ur_ctx *c, int M, int out, int in, const float *dy, ptrdiff_t ldy, const float *x,
                    ptrdiff_t ldx, float *dw, float *dbias);

/* Rows as they lie in time-major arrays are the common case of the above: dense, ld = width. */

/* A call over rows [0, n) cut into at most one stretch per thread, of at least `fewest` rows: for work whose rows do
 * not touch each other. */
typedef void ur_rows_fn(void *arg, int from, int to, int thread);
void ur_for_rows(const ur_ctx *c, int n, int fewest, ur_rows_fn *fn, void *arg);

#endif
