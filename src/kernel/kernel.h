/* The table of numeric kernels: everything whose speed depends on the processor, and nothing else.
 *
 * kernel_c.c defines the meaning of each slot in plain loops with libm. kernel_simd.c is one source of vector code,
 * compiled once per instruction set; each overwrites the slots it has when the processor can run it (pick.c).
 * tests/test_kernels.c holds every slot of every set against C. All arrays are float32 and row-major; pointers need
 * no alignment. Kernels are single-threaded and cannot fail.
 *
 * Every element of a product of floats is ONE chain of fused multiply-adds over k = 0, 1, ..., so its bits do not
 * depend on the number of rows, the tile it fell into, or the thread that ran it; nor do those of bytes, whose sums are
 * exact. */
#ifndef UR_KERNEL_H
#define UR_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How weights are stored: float32, bfloat16 (widened exactly as they are read), or int8 with a scale a row. */
typedef enum ur_dtype { UR_F32, UR_BF16, UR_I8, UR_DTYPES } ur_dtype;

/* A weight matrix, (rows, cols) = (out, in) as PyTorch has it. Code that uses one never asks how it is stored.
 * `panels` holds W for y = x W^T, `panels_t` for dx = dy W (only training has it); see ur_pack. `blocks`: the rows are
 * that many equal blocks (an LSTM's four gates), packed so that one unit's gates lie together. A vector (bias, gain)
 * is rows x 1, has `data` and no panels. */
typedef struct ur_mat {
	int rows, cols, blocks;
	int cut;                /* columns [0, cut) and the rest are multiplied apart (ur_linear_part); 0: not so */
	ur_dtype dtype;
	const float *data;      /* vectors always; matrices where the float32 original is at hand */
	const void *panels;
	const float *panels_t;
	const float *scale;     /* UR_I8: one per row */
} ur_mat;

/* C(M, N) = A(M, K) B + bias, or C += A B, for panels p0 <= p < p1 of B's columns.
 *
 * B is packed in panels of `nr` columns (the set's own), each contiguous, missing columns zero. With `blocks` G > 1 the
 * N columns are G blocks of N/G, and panel p holds columns (p/G)*nr... of block p % G. In a panel, column j of it lies
 *     UR_F32   at float k * nr + j
 *     UR_BF16  in word k * nr/2 + j % (nr/2) of 32 bits, in the low half for j < nr/2, else in the high
 *     UR_I8    at byte k/4 * 4 nr + 4 j + k % 4, K being rounded up to a multiple of 4 with zeros
 *
 * UR_I8: each row of A is rounded to bytes of -127..127 as it comes, a = q max|a| / 127, q = a * (127 / max|a|) to the
 * nearest, ties to even; the dot products of bytes are exact, UR_I8_DEPTH of K at a time, and C gets, for one such
 * stretch after the other, (max|a| / 127 * scale) times that sum. A row with a NaN or an infinity gives NaN; one with
 * nothing above UR_I8_LEAST counts as zeros.
 *
 * A(i, k) is A[i * row + k * col], and row or col is 1: plain or transposed, the latter for UR_F32 alone. A large
 * transposed A is best cut into strips first (see the slot): then col is mr and `strip` the floats from strip to strip.
 */
enum { UR_I8_DEPTH = 4096 };
#define UR_I8_LEAST 0x1p-100f
typedef struct ur_product {
	int M, N, K, blocks;
	const float *A;
	ptrdiff_t row, col, strip;
	const void *panels;   /* of panel p0 */
	size_t apart;         /* bytes from panel to panel; 0: ur_panel_bytes, one right after the other */
	const float *scale;   /* UR_I8: one per column of B */
	int p0, p1;
	float *C;
	ptrdiff_t ldc;
	const float *bias;    /* (N); NULL: none. Ignored when accumulating. */
	int accumulate;
} ur_product;

typedef struct ur_adamw {
	float lr, beta1, beta2, eps, decay; /* decay: decoupled weight decay */
	float bias1, bias2;                 /* 1 - beta^step */
	float scale;                        /* gradients are multiplied by this first (clipping) */
} ur_adamw;

typedef struct ur_kernels {
	const char *name;
	int nr;  /* columns in a panel */
	int mr;  /* rows that share one load of a panel: row counts that are a multiple of it run best */
	int kc;  /* depth the product is blocked in */

	/* -- the packed product, by storage of B; relative error to exact <= K * 2^-24 of sum |a||b|; UR_I8: a few
	 *    roundings, beside what rounding A to bytes makes -- */
	void (*product[UR_DTYPES])(const ur_product *p);
	/* One panel of UR_F32 from n <= nr columns: panel[k * nr + j] = src[j * column + k * depth], zero for j >= n. */
	void (*pack)(int n, int K, const float *src, ptrdiff_t column, ptrdiff_t depth, float *panel);

	/* Strips of mr rows of a transposed A(K, M): out[s * K * mr + k * mr + i] = src[k * ld + s * mr + i]; the last
	 * strip's missing rows are zero. */
	void (*strips)(int M, int K, const float *src, ptrdiff_t ld, float *out);

	/* -- elementwise; n values; y may be x; absolute error of sigmoid <= 2e-7, of tanh <= 5e-7, exp relative 3e-7;
	 *    exp overflows to a huge finite number or infinity, underflows to 0 or a denormal; NaN stays NaN -- */
	void (*sigmoid)(int n, const float *x, float *y);
	void (*tanh)(int n, const float *x, float *y);
	void (*exp)(int n, const float *x, float *y);
	void (*add)(int n, const float *x, float *y);                    /* y += x */
	void (*axpy)(int n, float a, const float *x, float *y);          /* y += a x */
	void (*scale)(int n, float a, float *x);                         /* x *= a, at once where a is 1 */
	void (*mul)(int n, const float *a, const float *b, float *y);    /* y = a b */
	/* dx = dy (1 - y y), the way back through y = tanh(.); dx is none of the others */
	void (*tanh_back)(int n, const float *y, const float *dy, float *dx);

	/* -- rows of n floats, ld floats from row to row: what carries numbers from one kernel to another is a kernel, so
	 *    that who counts kernels (measure/count.h) sees all that depends on what -- */
	void (*copy)(int rows, int n, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy);
	void (*fill)(int rows, int n, float a, float *x, ptrdiff_t ldx);  /* x = a */
	/* Rotary positions, in place: values i and i + n/2 of each of `heads` heads of n, as a point in the plane, turned
	 * by an angle. turn: n/2 cosines, then n/2 sines. */
	void (*rotate)(int heads, int n, const float *turn, float *x);

	/* -- reductions; float32 within a stretch of 512, float64 over stretches -- */
	double (*dot)(int n, const float *a, const float *b);
	double (*sum_squares)(size_t n, const float *x);
	/* out[j] += sum over rows i of x[i * ld + j], j < n, in order of i */
	void (*column_sums)(int rows, int n, const float *x, ptrdiff_t ld, float *out);

	/* -- rows of a matrix that is not packed, x (rows, n), ld floats from row to row -- */
	/* out[i] = x[i] q: relative error to exact <= n * 2^-24 of sum |x||q| */
	void (*row_dots)(int rows, int n, const float *x, ptrdiff_t ld, const float *q, float *out);
	/* y += sum over rows i, in order, of p[i] x[i] */
	void (*row_sum)(int rows, int n, const float *p, const float *x, ptrdiff_t ld, float *y);
	/* Back through v tanh(.) of some rows, z (rows, n) being the tanh: d = p[i] v (1 - z z), y += all rows' d in order,
	 * dx(rows, n) += d */
	void (*row_tanh_back)(int rows, int n, const float *p, const float *v, const float *z, float *y, float *dx);

	/* -- recurrent gates over n units of one row; gate q of unit j is a[q * stride + j] -- */
	/* LSTM, gates i f g o. in: pre-activations; out: activations. c = f c_prev + i g, h = o tanh(c). */
	void (*lstm_gates)(int n, float *a, ptrdiff_t stride, const float *c_prev, float *c, float *h);
	/* a: activations. da (same layout as a) = gradient of pre-activations; dh of h; dc in: of c, out: of c_prev. */
	void (*lstm_gates_back)(int n, const float *a, ptrdiff_t stride, const float *c_prev, const float *c,
	                        const float *dh, float *dc, float *da);
	/* GRU, gates r z n, reset after the product: a holds W x + b_ih, u holds U h + b_hh.
	 * out: a = r z n, and u's third block is kept for the way back. h = (1 - z) n + z h_prev; h may be h_prev. */
	void (*gru_gates)(int n, float *a, float *u, ptrdiff_t stride, const float *h_prev, float *h);
	/* un: the kept third block of u. da, du (3 blocks each): gradients of a's and u's pre-activations; dh in: of h,
	 * out: the direct part of h_prev's, dh z. */
	void (*gru_gates_back)(int n, const float *a, const float *un, ptrdiff_t stride, const float *h_prev,
	                       float *dh, float *da, float *du);

	/* -- softmax -- */
	/* Rows of an online softmax (Milakov and Gimelshein 2018), ld floats apart. Of each: s *= scale, then for the n
	 * valid scores m' = max(m, max s), s = exp(s - m'), sum' = sum * exp(m - m') + sum s; `back` is exp(m - m'), the
	 * factor for what was accumulated so far (0 at the start, when m is -infinity). n >= 1. s[n..total) become 0. */
	void (*softmax_tile)(int rows, int n, int total, float scale, float *s, ptrdiff_t ld, float *m, float *sum,
	                     float *back);
	/* What an online softmax ends with: o *= 1 / sum, n values, and, where lse is not NULL, *lse = m + log(sum). */
	void (*softmax_end)(int n, const float *m, const float *sum, float *o, float *lse);
	/* s = exp(s * scale - lse) for n valid scores, 0 for the rest of `total`. */
	void (*softmax_again)(int n, int total, float scale, float lse, float *s);
	/* dp = p (dp - delta) scale: the gradient of the scores that the softmax p was of */
	void (*softmax_back)(int n, float scale, float delta, const float *p, float *dp);
	/* -log softmax(x)[target]; x becomes softmax(x) - onehot(target), times `weight`, or stays when weight is 0. */
	double (*cross_entropy)(int n, float *x, int target, float weight);

	/* -- normalisation of one row; stats: mean and 1/sigma (layer norm), 1/rms (RMS norm, second) -- */
	void (*layernorm)(int n, float eps, const float *x, const float *g, const float *b, float *y, float stats[2]);
	void (*layernorm_back)(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx);
	void (*rmsnorm)(int n, float eps, const float *x, const float *g, float *y, float stats[2]);
	void (*rmsnorm_back)(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx);
	/* dg += dy (x - mean) / sigma over columns [0, n) of `rows` rows of width ld, in order; mean is 0 for RMS norm */
	void (*norm_gain_back)(int rows, int n, ptrdiff_t ld, const float *x, const float *stats, const float *dy,
	                       float *dg);

	/* -- feed-forward non-linearities; n values -- */
	void (*relu)(int n, const float *x, float *y);                   /* NaN stays NaN */
	void (*relu_back)(int n, const float *x, const float *dy, float *dx);
	void (*gelu)(int n, const float *x, float *y);                   /* tanh form, as GPT-2 has it */
	void (*gelu_back)(int n, const float *x, const float *dy, float *dx);
	void (*swiglu)(int n, const float *gate, const float *up, float *y);  /* silu(gate) up */
	void (*swiglu_back)(int n, const float *gate, const float *up, const float *dy, float *dgate, float *dup);

	/* -- optimisers over n weights -- */
	void (*adamw)(size_t n, const ur_adamw *o, float *w, const float *g, float *m, float *v);
	/* m = momentum m + (scale g + decay w); w -= lr m */
	void (*sgd)(size_t n, float lr, float momentum, float decay, float scale, float *w, const float *g, float *m);

	/* Runs about n fused multiply-adds in registers and returns how many floating-point operations that was: what
	 * the processor could do if memory were free. */
	double (*peak)(size_t n);
} ur_kernels;

/* Bytes of one panel of depth K. */
static inline size_t ur_panel_bytes(const ur_kernels *k, ur_dtype dtype, int K)
{
	const size_t columns = (size_t)k->nr, depth = (size_t)K;
	return dtype == UR_F32 ? depth * columns * 4 : dtype == UR_BF16 ? depth * columns * 2
	                                                                : (depth + 3) / 4 * 4 * columns;
}

/* The bfloat16 nearest to x (ties to even) and its value. NaN stays one. */
static inline uint16_t ur_bf16_of(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	if ((bits & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float ur_bf16_value(uint16_t x)
{
	uint32_t bits = (uint32_t)x << 16;
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* The sets this build has, best last, and whether this processor can run each; NULL past the last. */
const ur_kernels *ur_kernels_nth(int n, int *usable);
/* The best set this processor can run, or the one named by `level` (NULL: the environment's UNROLL_CPU, then the
 * best). NULL: no such set, or not on this processor. */
const ur_kernels *ur_kernels_pick(const char *level);

#endif
