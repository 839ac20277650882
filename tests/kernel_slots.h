/* Every slot of the kernel table but the product: how to call it, what it should give (in float64), and how far from
 * that it may be. test_kernels.c runs this table; a new slot is one entry here. */
#ifndef KERNEL_SLOTS_H
#define KERNEL_SLOTS_H

#include <float.h>

#include "arrays.h"

enum { SLOT_INS = 5, SLOT_OUTS = 4 };

/* One call. want starts as a copy of out, tol as zeros: what a reference leaves alone must stay as it was. */
typedef struct io {
	int n, total, rows;
	ptrdiff_t stride;
	float a;
	const float *in[SLOT_INS];
	float *out[SLOT_OUTS];
	size_t ins[SLOT_INS], outs[SLOT_OUTS];
	double *want[SLOT_OUTS], *tol[SLOT_OUTS];
	double result, want_result, tol_result;
} io;

/* What arrays are filled with. */
enum fill {
	F_NORMAL = 1, F_ZERO = 2, F_DENORMAL = 4, F_EDGE = 8, F_HUGE = 16, F_TINY = 32, F_NAN = 64, F_INF = 128,
	F_MASKED = 256, /* -infinity here and there */
	F_PLAIN = F_NORMAL | F_ZERO | F_DENORMAL | F_TINY,
	F_FINITE = F_PLAIN | F_EDGE,
	F_ALL = F_FINITE | F_HUGE | F_NAN | F_INF
};

typedef struct slot {
	const char *name;
	int least;                       /* smallest n */
	unsigned fills;
	int alias_out, alias_in;         /* this output may be that input; -1: no */
	double flops, floats;            /* for the benchmark: arithmetic and floats moved a value of n, with 4 rows */
	void (*shape)(io *);             /* ins and outs from n, total, rows, stride */
	void (*fix)(io *, float *const *in); /* makes the random inputs legal; NULL: they are */
	void (*run)(const ur_kernels *, io *);
	void (*want)(io *);
} slot;

#define EPS 0x1p-24

static inline double sig(double x) { return 1 / (1 + exp(-x)); }
/* The slope of tanh over x +- d, for how an error before it comes out. */
static inline double slope(double x, double d)
{
	double a = fmax(0, fabs(x) - d), c = a > 300 ? INFINITY : cosh(a);
	return 1 / (c * c);
}
/* Rounding errors of n float32 additions in at least four lanes. */
static inline double lanes(int n) { return (n / 4 + 8) * EPS; }
static inline void put(io *o, int q, size_t j, double want, double tol)
{
	o->want[q][j] = want;
	o->tol[q][j] = tol;
}
#define EACH(j) for (size_t j = 0; j < (size_t)o->n; j++)
#define SHAPE(name, i0, i1, i2, i3, i4, o0, o1, o2, o3) \
	static void shape_##name(io *o) \
	{ \
		size_t n = (size_t)o->n, wide = (size_t)o->stride, total = (size_t)o->total, rows = (size_t)o->rows; \
		size_t ins[] = {i0, i1, i2, i3, i4}, outs[] = {o0, o1, o2, o3}; \
		(void)n, (void)wide, (void)total, (void)rows; \
		memcpy(o->ins, ins, sizeof ins); \
		memcpy(o->outs, outs, sizeof outs); \
	}
#define IN(q, j) ((double)o->in[q][j])
#define WAS(q, j) ((double)o->out[q][j])

/* -- elementwise -- */

SHAPE(one, n, 0, 0, 0, 0, n, 0, 0, 0)
SHAPE(two, n, n, 0, 0, 0, n, 0, 0, 0)
SHAPE(self, 0, 0, 0, 0, 0, n, 0, 0, 0)

static void run_sigmoid(const ur_kernels *k, io *o) { k->sigmoid(o->n, o->in[0], o->out[0]); }
static void want_sigmoid(io *o) { EACH(j) put(o, 0, j, sig(IN(0, j)), 2e-7); }
static void run_tanh(const ur_kernels *k, io *o) { k->tanh(o->n, o->in[0], o->out[0]); }
static void want_tanh(io *o) { EACH(j) put(o, 0, j, tanh(IN(0, j)), 5e-7); }
static void run_exp(const ur_kernels *k, io *o) { k->exp(o->n, o->in[0], o->out[0]); }
static void want_exp(io *o) { EACH(j) put(o, 0, j, exp(IN(0, j)), 3e-7 * exp(IN(0, j)) + (double)FLT_MIN); }
static void run_add(const ur_kernels *k, io *o) { k->add(o->n, o->in[0], o->out[0]); }
static void want_add(io *o) { EACH(j) put(o, 0, j, WAS(0, j) + IN(0, j), EPS * fabs(WAS(0, j) + IN(0, j))); }
static void run_axpy(const ur_kernels *k, io *o) { k->axpy(o->n, o->a, o->in[0], o->out[0]); }
static void want_axpy(io *o)
{
	EACH(j) {
		double ax = (double)o->a * IN(0, j);
		put(o, 0, j, WAS(0, j) + ax, EPS * (fabs(ax) + fabs(WAS(0, j) + ax)) + 2 * (double)FLT_TRUE_MIN);
	}
}
static void run_scale(const ur_kernels *k, io *o) { k->scale(o->n, o->a, o->out[0]); }
static void want_scale(io *o)
{
	EACH(j) {
		double y = (double)o->a * WAS(0, j);
		put(o, 0, j, y, EPS * fabs(y) + (double)FLT_TRUE_MIN);
	}
}
static void run_mul(const ur_kernels *k, io *o) { k->mul(o->n, o->in[0], o->in[1], o->out[0]); }
static void want_mul(io *o)
{
	EACH(j) put(o, 0, j, IN(0, j) * IN(1, j), EPS * fabs(IN(0, j) * IN(1, j)) + (double)FLT_TRUE_MIN);
}

static void run_tanh_back(const ur_kernels *k, io *o) { k->tanh_back(o->n, o->in[0], o->in[1], o->out[0]); }
static void want_tanh_back(io *o)
{
	EACH(j) {
		double y2 = IN(0, j) * IN(0, j), dx = IN(1, j) * (1 - y2);
		put(o, 0, j, dx, EPS * (4 * fabs(IN(1, j)) * (1 + y2)) + 4 * (double)FLT_TRUE_MIN);
	}
}

/* -- rows that are moved: n floats of `stride` -- */

SHAPE(copy, rows * wide, 0, 0, 0, 0, rows * wide, 0, 0, 0)
SHAPE(rows, 0, 0, 0, 0, 0, rows * wide, 0, 0, 0)
SHAPE(rotate, 2 * (n / 2), 0, 0, 0, 0, rows * 2 * (n / 2), 0, 0, 0)

static void run_copy(const ur_kernels *k, io *o) { k->copy(o->rows, o->n, o->in[0], o->stride, o->out[0], o->stride); }
static void want_copy(io *o)
{
	for (size_t i = 0; i < (size_t)o->rows; i++)
		EACH(j) put(o, 0, i * (size_t)o->stride + j, IN(0, i * (size_t)o->stride + j), 0);
}
static void run_fill(const ur_kernels *k, io *o)
{
	k->fill(o->rows, o->n, o->n % 2 ? o->a : 0, o->out[0], o->stride);
}
static void want_fill(io *o)
{
	for (size_t i = 0; i < (size_t)o->rows; i++)
		EACH(j) put(o, 0, i * (size_t)o->stride + j, o->n % 2 ? (double)o->a : 0, 0);
}
static void run_rotate(const ur_kernels *k, io *o) { k->rotate(o->rows, o->n / 2 * 2, o->in[0], o->out[0]); }
static void want_rotate(io *o)
{
	size_t half = (size_t)o->n / 2;
	for (size_t h = 0; h < (size_t)o->rows; h++)
		for (size_t i = 0; i < half; i++) {
			size_t a = 2 * h * half + i, b = a + half;
			double c = IN(0, i), w = IN(0, half + i), x = WAS(0, a), y = WAS(0, b);
			double tol = 2 * EPS * (fabs(x * c) + fabs(y * w) + fabs(y * c) + fabs(x * w)) + 4 * (double)FLT_TRUE_MIN;
			put(o, 0, a, x * c - y * w, tol);
			put(o, 0, b, y * c + x * w, tol);
		}
}

/* -- reductions -- */

SHAPE(dot, n, n, 0, 0, 0, 0, 0, 0, 0)
SHAPE(columns, rows * wide, 0, 0, 0, 0, n, 0, 0, 0)

static void run_dot(const ur_kernels *k, io *o) { o->result = k->dot(o->n, o->in[0], o->in[1]); }
static void want_dot(io *o)
{
	double s = 0, size = 0;
	EACH(j) {
		s += IN(0, j) * IN(1, j);
		size += fabs(IN(0, j) * IN(1, j));
	}
	o->want_result = s;
	o->tol_result = lanes(o->n < 512 ? o->n : 512) * size + o->n * (double)FLT_TRUE_MIN;
}
static void run_sum_squares(const ur_kernels *k, io *o) { o->result = k->sum_squares((size_t)o->n, o->in[0]); }
static void want_sum_squares(io *o)
{
	double s = 0;
	EACH(j) s += IN(0, j) * IN(0, j);
	o->want_result = s;
	o->tol_result = lanes(o->n < 512 ? o->n : 512) * s + o->n * (double)FLT_TRUE_MIN;
}
static void run_column_sums(const ur_kernels *k, io *o)
{
	k->column_sums(o->rows, o->n, o->in[0], o->stride, o->out[0]);
}
static void want_column_sums(io *o)
{
	EACH(j) {
		double s = WAS(0, j), size = fabs(s);
		for (int i = 0; i < o->rows; i++) {
			s += IN(0, (size_t)i * (size_t)o->stride + j);
			size += fabs(IN(0, (size_t)i * (size_t)o->stride + j));
		}
		put(o, 0, j, s, o->rows * EPS * size);
	}
}

/* -- rows of a matrix that is not packed -- */

SHAPE(row_dots, rows * wide, n, 0, 0, 0, rows, 0, 0, 0)
SHAPE(row_sum, rows * wide, rows, 0, 0, 0, n, 0, 0, 0)

static void run_row_dots(const ur_kernels *k, io *o)
{
	k->row_dots(o->rows, o->n, o->in[0], o->stride, o->in[1], o->out[0]);
}
static void want_row_dots(io *o)
{
	for (size_t i = 0; i < (size_t)o->rows; i++) {
		double s = 0, size = 0;
		EACH(j) {
			double t = IN(0, i * (size_t)o->stride + j) * IN(1, j);
			s += t;
			size += fabs(t);
		}
		put(o, 0, i, s, o->n * (EPS * size + (double)FLT_TRUE_MIN));
	}
}
static void run_row_sum(const ur_kernels *k, io *o)
{
	k->row_sum(o->rows, o->n, o->in[1], o->in[0], o->stride, o->out[0]);
}
static void want_row_sum(io *o)
{
	EACH(j) {
		double s = WAS(0, j), size = fabs(s);
		for (size_t i = 0; i < (size_t)o->rows; i++) {
			double t = IN(1, i) * IN(0, i * (size_t)o->stride + j);
			s += t;
			size += fabs(t);
		}
		put(o, 0, j, s, (o->rows + 1) * (EPS * size + (double)FLT_TRUE_MIN));
	}
}

SHAPE(row_tanh_back, rows, n, rows * n, 0, 0, n, rows * n, 0, 0)

static void run_row_tanh_back(const ur_kernels *k, io *o)
{
	k->row_tanh_back(o->rows, o->n, o->in[0], o->in[1], o->in[2], o->out[0], o->out[1]);
}
static void want_row_tanh_back(io *o)
{
	EACH(j) {
		double s = WAS(0, j), size = fabs(s), off = 0;
		for (size_t i = 0; i < (size_t)o->rows; i++) {
			size_t at = i * (size_t)o->n + j;
			double z2 = IN(2, at) * IN(2, at), pv = IN(0, i) * IN(1, j), d = pv * (1 - z2), to = WAS(1, at);
			double error = 4 * (EPS * fabs(pv) + (double)FLT_TRUE_MIN) * (1 + z2);
			s += d;
			size += fabs(d);
			off += error;
			put(o, 1, at, to + d, error + EPS * fabs(to + d));
		}
		put(o, 0, j, s, off + o->rows * EPS * size);
	}
}

/* -- recurrent gates: gate q of unit j is [q * stride + j] -- */

SHAPE(lstm, n, 0, 0, 0, 0, 4 * wide, n, n, 0)
SHAPE(lstm_back, 4 * wide, n, n, n, 0, n, 4 * wide, 0, 0)
SHAPE(gru, n, 0, 0, 0, 0, 3 * wide, 3 * wide, n, 0)
SHAPE(gru_back, 3 * wide, n, n, 0, 0, n, 3 * wide, 3 * wide, 0)
#define GATE(q, j) ((size_t)(q) * (size_t)o->stride + (j))

static void run_lstm(const ur_kernels *k, io *o)
{
	k->lstm_gates(o->n, o->out[0], o->stride, o->in[0], o->out[1], o->out[2]);
}
static void want_lstm(io *o)
{
	EACH(j) {
		double i = sig(WAS(0, GATE(0, j))), f = sig(WAS(0, GATE(1, j)));
		double g = tanh(WAS(0, GATE(2, j))), p = sig(WAS(0, GATE(3, j)));
		double before = IN(0, j), c = f * before + i * g;
		double off = 2e-7 * fabs(before) + 7e-7 + 2 * EPS * fabs(c);
		put(o, 0, GATE(0, j), i, 2e-7);
		put(o, 0, GATE(1, j), f, 2e-7);
		put(o, 0, GATE(2, j), g, 5e-7);
		put(o, 0, GATE(3, j), p, 2e-7);
		put(o, 1, j, c, off);
		put(o, 2, j, p * tanh(c), 8e-7 + off * slope(c, off));
	}
}
static void fix_lstm_back(io *o, float *const *in)
{
	EACH(j) for (int q = 0; q < 4; q++) {
		float *a = &in[0][GATE(q, j)];
		*a = q == 2 ? tanhf(*a) : (float)sig((double)*a);
	}
}
static void run_lstm_back(const ur_kernels *k, io *o)
{
	k->lstm_gates_back(o->n, o->in[0], o->stride, o->in[1], o->in[2], o->in[3], o->out[0], o->out[1]);
}
static void want_lstm_back(io *o)
{
	EACH(j) {
		double i = IN(0, GATE(0, j)), f = IN(0, GATE(1, j)), g = IN(0, GATE(2, j)), p = IN(0, GATE(3, j));
		double before = IN(1, j), t = tanh(IN(2, j)), dh = IN(3, j);
		double dc = WAS(0, j) + dh * p * (1 - t * t), size = 2e-6 * (fabs(WAS(0, j)) + fabs(dh)) + (double)FLT_MIN;
		put(o, 0, j, dc * f, size);
		put(o, 1, GATE(0, j), dc * g * i * (1 - i), size);
		put(o, 1, GATE(1, j), dc * before * f * (1 - f), size * (1 + fabs(before)));
		put(o, 1, GATE(2, j), dc * i * (1 - g * g), size);
		put(o, 1, GATE(3, j), dh * t * p * (1 - p), 2e-6 * fabs(dh) + (double)FLT_MIN);
	}
}
static void run_gru(const ur_kernels *k, io *o)
{
	k->gru_gates(o->n, o->out[0], o->out[1], o->stride, o->in[0], o->out[2]);
}
static void want_gru(io *o)
{
	EACH(j) {
		double ar = WAS(0, GATE(0, j)), ur = WAS(1, GATE(0, j)), az = WAS(0, GATE(1, j)), uz = WAS(1, GATE(1, j));
		double an = WAS(0, GATE(2, j)), un = WAS(1, GATE(2, j)), h = IN(0, j);
		double r = sig(ar + ur), z = sig(az + uz), x = an + r * un, n = tanh(x);
		double rt = 2e-7 + EPS * fabs(ar + ur) * slope((ar + ur) / 2, 1);
		double zt = 2e-7 + EPS * fabs(az + uz) * slope((az + uz) / 2, 1);
		double xt = rt * fabs(un) + 2 * EPS * (fabs(an) + fabs(un)), nt = 5e-7 + xt * slope(x, xt);
		put(o, 0, GATE(0, j), r, rt);
		put(o, 0, GATE(1, j), z, zt);
		put(o, 0, GATE(2, j), n, nt);
		for (int q = 0; q < 2; q++) /* may be anything */
			put(o, 1, GATE(q, j), 0, INFINITY);
		put(o, 2, j, (1 - z) * n + z * h, nt + 2e-7 + (zt + 3 * EPS) * (1 + fabs(h)));
	}
}
static void fix_gru_back(io *o, float *const *in)
{
	EACH(j) for (int q = 0; q < 3; q++) {
		float *a = &in[0][GATE(q, j)];
		*a = q == 2 ? tanhf(*a) : (float)sig((double)*a);
	}
}
static void run_gru_back(const ur_kernels *k, io *o)
{
	k->gru_gates_back(o->n, o->in[0], o->in[1], o->stride, o->in[2], o->out[0], o->out[1], o->out[2]);
}
static void want_gru_back(io *o)
{
	EACH(j) {
		double r = IN(0, GATE(0, j)), z = IN(0, GATE(1, j)), n = IN(0, GATE(2, j)), un = IN(1, j), h = IN(2, j);
		double dh = WAS(0, j);
		double dn = dh * (1 - z) * (1 - n * n), dz = dh * (h - n) * z * (1 - z), dr = dn * un * r * (1 - r);
		double size = 8 * EPS * fabs(dh) + (double)FLT_MIN;
		put(o, 0, j, dh * z, size);
		for (int q = 1; q < 3; q++) {
			put(o, q, GATE(0, j), dr, size * (1 + fabs(un)));
			put(o, q, GATE(1, j), dz, size * (1 + fabs(h)));
		}
		put(o, 1, GATE(2, j), dn, size);
		put(o, 2, GATE(2, j), dn * r, size);
	}
}

/* -- softmax -- */

SHAPE(tile, 0, 0, 0, 0, 0, total, 1, 1, 1)
SHAPE(again, 1, 0, 0, 0, 0, total, 0, 0, 0)
SHAPE(softmax_back, n, 1, 0, 0, 0, n, 0, 0, 0)
SHAPE(entropy, 0, 0, 0, 0, 0, n, 0, 0, 0)

/* What has been seen so far comes from n: nothing where it is even, else a maximum and a sum of earlier scores. */
SHAPE(tile_end, 1, 1, 0, 0, 0, n, 1, 0, 0)

static void fix_tile_end(io *o, float *const *in)
{
	(void)o;
	in[0][0] = isnan(in[0][0]) ? 0 : in[0][0];
	in[1][0] = isnan(in[1][0]) ? 1 : 1e-6f + fabsf(in[1][0]);
}
static void run_tile_end(const ur_kernels *k, io *o)
{
	k->softmax_end(o->n, o->in[0], o->in[1], o->out[0], o->n % 2 ? o->out[1] : NULL);
}
static void want_tile_end(io *o)
{
	double m = IN(0, 0), l = log(IN(1, 0));
	EACH(j) put(o, 0, j, WAS(0, j) / IN(1, 0), 2 * EPS * fabs(WAS(0, j) / IN(1, 0)) + (double)FLT_TRUE_MIN);
	if (o->n % 2)
		put(o, 1, 0, m + l, 2 * EPS * (fabs(m) + 2 * fabs(l) + fabs(m + l)) + (double)FLT_TRUE_MIN);
}

static void run_tile(const ur_kernels *k, io *o)
{
	o->out[1][0] = o->n % 2 ? 0.3f : -INFINITY;
	o->out[2][0] = o->n % 2 ? 2.5f : 0;
	k->softmax_tile(1, o->n, o->total, o->a, o->out[0], 0, o->out[1], o->out[2], o->out[3]);
}
static void want_tile(io *o)
{
	double m0 = o->n % 2 ? (double)0.3f : -INFINITY, sum0 = o->n % 2 ? 2.5 : 0, m = m0, nan = 0, size = 0, off = 0;
	EACH(j) {
		double s = (double)o->a * WAS(0, j);
		nan += isnan(s) ? s : 0;
		m = fmax(m, s);
		size = isfinite(s) ? fmax(size, fabs(s)) : size;
	}
	double factor = isinf(m0) ? 0 : exp(m0 - m), sum = sum0 * factor;
	EACH(j) {
		double x = (double)o->a * WAS(0, j) - m, e = exp(x);
		double tol = e * (3.5e-7 + 2 * EPS * (size + fabs(m))) + (double)FLT_MIN;
		put(o, 0, j, isnan(nan) ? NAN : e, isnan(nan) ? INFINITY : tol);
		sum += e;
		off += tol;
	}
	for (size_t j = (size_t)o->n; j < (size_t)o->total; j++)
		put(o, 0, j, 0, 0);
	double tol = factor * (3.5e-7 + 2 * EPS * fabs(m)) + (double)FLT_MIN;
	put(o, 1, 0, m, isnan(nan) ? INFINITY : EPS * fabs(m) + (double)FLT_TRUE_MIN);
	put(o, 2, 0, sum + nan, off + sum0 * tol + (o->n + 2) * EPS * sum);
	put(o, 3, 0, factor, isnan(nan) ? INFINITY : tol);
}
static void run_again(const ur_kernels *k, io *o) { k->softmax_again(o->n, o->total, o->a, o->in[0][0], o->out[0]); }
static void want_again(io *o)
{
	EACH(j) {
		double s = (double)o->a * WAS(0, j), x = s - IN(0, 0), e = exp(x);
		put(o, 0, j, e, e > 0 ? e * (3.5e-7 + 2 * EPS * (fabs(s) + fabs(IN(0, 0)))) + (double)FLT_MIN : 0);
	}
	for (size_t j = (size_t)o->n; j < (size_t)o->total; j++)
		put(o, 0, j, 0, 0);
}
static void run_softmax_back(const ur_kernels *k, io *o)
{
	k->softmax_back(o->n, o->a, o->in[1][0], o->in[0], o->out[0]);
}
static void want_softmax_back(io *o)
{
	EACH(j) {
		double p = IN(0, j), dp = WAS(0, j), delta = IN(1, 0);
		put(o, 0, j, p * (dp - delta) * (double)o->a,
		    4 * EPS * fabs(p * (double)o->a) * (fabs(dp) + fabs(delta)) + (double)FLT_MIN);
	}
}
static int entropy_target(const io *o) { return o->n * 5 / 7; }
static float entropy_weight(const io *o) { return o->n % 3 ? o->a : 0; }
static void run_entropy(const ur_kernels *k, io *o)
{
	o->result = k->cross_entropy(o->n, o->out[0], entropy_target(o), entropy_weight(o));
}
static void want_entropy(io *o)
{
	double m = -INFINITY, sum = 0, size = 0, w = (double)entropy_weight(o), nan = 0;
	EACH(j) {
		m = fmax(m, WAS(0, j));
		nan += isnan(WAS(0, j)) ? WAS(0, j) : 0;
		size = fmax(size, isfinite(WAS(0, j)) ? fabs(WAS(0, j)) : 0);
	}
	EACH(j) sum += exp(WAS(0, j) - m);
	o->want_result = m + log(sum) - WAS(0, (size_t)entropy_target(o)) + nan;
	o->tol_result = 1e-6 + 4 * EPS * size;
	if (w != 0)
		EACH(j) {
			double p = exp(WAS(0, j) - m) / sum;
			double tol = fabs(w) * (p * (1e-6 + 4 * EPS * size) + 2 * EPS) + (double)FLT_MIN;
			put(o, 0, j, w * (p - ((int)j == entropy_target(o))), isnan(nan) ? INFINITY : tol);
		}
}

/* -- normalisation -- */

SHAPE(layernorm, n, n, n, 0, 0, n, 2, 0, 0)
SHAPE(norm_back, n, n, 2, n, 0, n, 0, 0, 0)
SHAPE(gain_back, rows * wide, 2 * rows, rows * wide, 0, 0, n, 0, 0, 0)

static void run_layernorm(const ur_kernels *k, io *o)
{
	k->layernorm(o->n, 1e-5f, o->in[0], o->in[1], o->in[2], o->out[0], o->out[1]);
}
static void moments(const io *o, double *mean, double *var, double *size)
{
	*mean = *var = *size = 0;
	EACH(j) {
		*mean += IN(0, j) / o->n;
		*size += fabs(IN(0, j)) / o->n;
	}
	EACH(j) *var += (IN(0, j) - *mean) * (IN(0, j) - *mean) / o->n;
}
static void want_layernorm(io *o)
{
	double mean, var, size;
	moments(o, &mean, &var, &size);
	double r = 1 / sqrt(var + (double)1e-5f);
	double mt = lanes(o->n) * size + (double)FLT_MIN, rt = lanes(o->n) + mt * mt * r * r;
	EACH(j) {
		double x = (IN(0, j) - mean) * r * IN(1, j), y = x + IN(2, j);
		put(o, 0, j, y,
		    (4 * EPS + rt) * fabs(x) + 4 * EPS * fabs(IN(2, j)) + mt * r * fabs(IN(1, j)) + (double)FLT_MIN);
	}
	put(o, 1, 0, mean, mt);
	put(o, 1, 1, r, rt * r);
}
static void run_rmsnorm(const ur_kernels *k, io *o)
{
	k->rmsnorm(o->n, 1e-5f, o->in[0], o->in[1], o->out[0], o->out[1]);
}
static void want_rmsnorm(io *o)
{
	double s = 0;
	EACH(j) s += IN(0, j) * IN(0, j) / o->n;
	double r = 1 / sqrt(s + (double)1e-5f);
	EACH(j) {
		double y = IN(0, j) * r * IN(1, j);
		put(o, 0, j, y, (4 * EPS + lanes(o->n)) * fabs(y) + (double)FLT_MIN);
	}
	put(o, 1, 0, 0, 0);
	put(o, 1, 1, r, lanes(o->n) * r);
}
static void fix_layernorm_back(io *o, float *const *in)
{
	double mean, var, size;
	moments(o, &mean, &var, &size);
	in[2][0] = (float)mean;
	in[2][1] = (float)(1 / sqrt(var + 1e-5));
}
static void fix_rmsnorm_back(io *o, float *const *in)
{
	double s = 0;
	EACH(j) s += IN(0, j) * IN(0, j) / o->n;
	in[2][0] = 0;
	in[2][1] = (float)(1 / sqrt(s + 1e-5));
}
static void run_layernorm_back(const ur_kernels *k, io *o)
{
	k->layernorm_back(o->n, o->in[0], o->in[1], o->in[2], o->in[3], o->out[0]);
}
static void run_rmsnorm_back(const ur_kernels *k, io *o)
{
	k->rmsnorm_back(o->n, o->in[0], o->in[1], o->in[2], o->in[3], o->out[0]);
}
static void want_norm_back(io *o, int centred)
{
	double mean = centred ? IN(2, 0) : 0, r = IN(2, 1), a = 0, b = 0, as = 0, bs = 0;
	EACH(j) {
		double g = IN(3, j) * IN(1, j), xh = (IN(0, j) - mean) * r;
		a += g / o->n;
		as += fabs(g) / o->n;
		b += g * xh / o->n;
		bs += fabs(g) * (fabs(IN(0, j)) + fabs(mean)) * r / o->n;
	}
	EACH(j) {
		double g = IN(3, j) * IN(1, j), xh = (IN(0, j) - mean) * r, x = (fabs(IN(0, j)) + fabs(mean)) * r;
		put(o, 0, j, r * (g - (centred ? a : 0) - xh * b),
		    r * (8 * EPS * fabs(g) + 2 * lanes(o->n) * (as + x * bs)) + (double)FLT_MIN);
	}
}
static void want_layernorm_back(io *o) { want_norm_back(o, 1); }
static void want_rmsnorm_back(io *o) { want_norm_back(o, 0); }
static void run_gain_back(const ur_kernels *k, io *o)
{
	k->norm_gain_back(o->rows, o->n, o->stride, o->in[0], o->in[1], o->in[2], o->out[0]);
}
static void want_gain_back(io *o)
{
	EACH(j) {
		double s = WAS(0, j), size = fabs(s);
		for (size_t i = 0; i < (size_t)o->rows; i++) {
			size_t at = i * (size_t)o->stride + j;
			double x = IN(0, at), mean = IN(1, 2 * i), r = IN(1, 2 * i + 1), dy = IN(2, at);
			s += dy * (x - mean) * r;
			size += fabs(dy * r) * (fabs(x) + fabs(mean));
		}
		put(o, 0, j, s, (o->rows + 4) * EPS * size + (double)FLT_MIN);
	}
}

/* -- feed-forward -- */

SHAPE(two_out, n, n, n, 0, 0, n, n, 0, 0)
#define GELU_A 0.79788456080286536 /* sqrt(2 / pi) */
#define GELU_B 0.044715

static void run_relu(const ur_kernels *k, io *o) { k->relu(o->n, o->in[0], o->out[0]); }
static void want_relu(io *o) { EACH(j) put(o, 0, j, IN(0, j) < 0 ? 0 : IN(0, j), 0); }
static void run_relu_back(const ur_kernels *k, io *o) { k->relu_back(o->n, o->in[0], o->in[1], o->out[0]); }
static void want_relu_back(io *o) { EACH(j) put(o, 0, j, IN(0, j) <= 0 ? 0 * IN(1, j) : IN(1, j), 0); }
static void run_gelu(const ur_kernels *k, io *o) { k->gelu(o->n, o->in[0], o->out[0]); }
static void want_gelu(io *o)
{
	EACH(j) {
		double x = IN(0, j), y = x * sig(2 * GELU_A * (x + GELU_B * x * x * x));
		put(o, 0, j, y, 5e-7 * fabs(x) + 4 * EPS * fabs(y) + (double)FLT_MIN);
	}
}
static void run_gelu_back(const ur_kernels *k, io *o) { k->gelu_back(o->n, o->in[0], o->in[1], o->out[0]); }
static void want_gelu_back(io *o)
{
	EACH(j) {
		double x = IN(0, j), dy = IN(1, j), t = tanh(GELU_A * (x + GELU_B * x * x * x));
		double inner = x * (1 - t * t) * GELU_A * (1 + 3 * GELU_B * x * x);
		/* 1 - t^2 has an absolute error, which large x multiplies as long as t has not reached 1 */
		double tol = 1e-6 * (1 + (fabs(x) < 12 ? fabs(x) * (1 + 3 * GELU_B * x * x) : 0));
		put(o, 0, j, dy * (0.5 * (1 + t) + (isfinite(inner) || isnan(x) ? 0.5 * inner : 0)),
		    tol * fabs(dy) + (double)FLT_MIN);
	}
}
static void run_swiglu(const ur_kernels *k, io *o) { k->swiglu(o->n, o->in[0], o->in[1], o->out[0]); }
static void want_swiglu(io *o)
{
	EACH(j) {
		double y = IN(0, j) * sig(IN(0, j)) * IN(1, j);
		put(o, 0, j, y, 3e-7 * fabs(IN(0, j) * IN(1, j)) + 4 * EPS * fabs(y) + (double)FLT_MIN);
	}
}
static void run_swiglu_back(const ur_kernels *k, io *o)
{
	k->swiglu_back(o->n, o->in[0], o->in[1], o->in[2], o->out[0], o->out[1]);
}
static void want_swiglu_back(io *o)
{
	EACH(j) {
		double x = IN(0, j), up = IN(1, j), dy = IN(2, j), s = sig(x), size = 5e-7 * fabs(dy) * (1 + fabs(x));
		put(o, 0, j, dy * up * s * (1 + x * (1 - s)), size * fabs(up) + (double)FLT_MIN);
		put(o, 1, j, dy * x * s, size + (double)FLT_MIN);
	}
}

/* -- optimisers -- */

SHAPE(adamw, n, 0, 0, 0, 0, n, n, n, 0)
SHAPE(sgd, n, 0, 0, 0, 0, n, n, 0, 0)

static const ur_adamw adamw_step = {1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.271f, 0.142625f, 0.7f};
static void fix_adamw(io *o, float *const *in)
{
	(void)in;
	EACH(j) o->out[2][j] = fabsf(o->out[2][j]);
}
static void run_adamw(const ur_kernels *k, io *o)
{
	k->adamw((size_t)o->n, &adamw_step, o->out[0], o->in[0], o->out[1], o->out[2]);
}
static void want_adamw(io *o)
{
	const ur_adamw *p = &adamw_step;
	double lr = (double)p->lr, b1 = (double)p->beta1, b2 = (double)p->beta2;
	EACH(j) {
		double g = IN(0, j) * (double)p->scale, m = b1 * WAS(1, j) + (1 - b1) * g;
		double v = b2 * WAS(2, j) + (1 - b2) * g * g;
		double root = sqrt(v / (double)p->bias2) + (double)p->eps, move = lr * m / (double)p->bias1 / root;
		double mt = 4 * EPS * (fabs(WAS(1, j)) + fabs(g)) + 2 * (double)FLT_TRUE_MIN;
		put(o, 1, j, m, mt);
		put(o, 2, j, v, 6 * EPS * v + 4 * (double)FLT_TRUE_MIN);
		put(o, 0, j, WAS(0, j) * (1 - lr * (double)p->decay) - move,
		    8 * EPS * (fabs(WAS(0, j)) + fabs(move)) + lr * mt / (double)p->bias1 / root + (double)FLT_MIN);
	}
}
static void run_sgd(const ur_kernels *k, io *o)
{
	k->sgd((size_t)o->n, 0.05f, 0.9f, 0.01f, 0.7f, o->out[0], o->in[0], o->out[1]);
}
static void want_sgd(io *o)
{
	EACH(j) {
		double step = (double)0.7f * IN(0, j) + (double)0.01f * WAS(0, j), m = (double)0.9f * WAS(1, j) + step;
		double size = fabs(IN(0, j)) + fabs(WAS(0, j)) + fabs(WAS(1, j));
		put(o, 1, j, m, 4 * EPS * size + (double)FLT_MIN);
		put(o, 0, j, WAS(0, j) - (double)0.05f * m, 4 * EPS * size + (double)FLT_MIN);
	}
}

static const slot slots[] = {
	{"sigmoid", 0, F_ALL, 0, 0, 1, 2, shape_one, NULL, run_sigmoid, want_sigmoid},
	{"tanh", 0, F_ALL, 0, 0, 1, 2, shape_one, NULL, run_tanh, want_tanh},
	{"exp", 0, F_ALL, 0, 0, 1, 2, shape_one, NULL, run_exp, want_exp},
	{"add", 0, F_ALL, -1, 0, 1, 3, shape_one, NULL, run_add, want_add},
	{"axpy", 0, F_ALL, -1, 0, 2, 3, shape_one, NULL, run_axpy, want_axpy},
	{"scale", 0, F_ALL, -1, 0, 1, 2, shape_self, NULL, run_scale, want_scale},
	{"mul", 0, F_ALL, 0, 0, 1, 3, shape_two, NULL, run_mul, want_mul},
	{"tanh_back", 0, F_PLAIN | F_NAN, -1, 0, 3, 3, shape_two, NULL, run_tanh_back, want_tanh_back},
	{"copy", 0, F_ALL, -1, 0, 0, 8, shape_copy, NULL, run_copy, want_copy},
	{"fill", 0, F_ALL, -1, 0, 0, 4, shape_rows, NULL, run_fill, want_fill},
	{"rotate", 0, F_PLAIN | F_NAN, -1, 0, 12, 8, shape_rotate, NULL, run_rotate, want_rotate},
	{"dot", 0, F_FINITE | F_NAN | F_INF, -1, 0, 2, 2, shape_dot, NULL, run_dot, want_dot},
	{"sum_squares", 0, F_FINITE | F_NAN | F_INF, -1, 0, 2, 1, shape_one, NULL, run_sum_squares, want_sum_squares},
	{"column_sums", 0, F_ALL, -1, 0, 4, 6, shape_columns, NULL, run_column_sums, want_column_sums},
	{"row_dots", 0, F_FINITE | F_NAN, -1, 0, 8, 5, shape_row_dots, NULL, run_row_dots, want_row_dots},
	{"row_sum", 0, F_FINITE | F_NAN, -1, 0, 8, 6, shape_row_sum, NULL, run_row_sum, want_row_sum},
	{"row_tanh_back", 0, F_PLAIN | F_NAN, -1, 0, 24, 13, shape_row_tanh_back, NULL, run_row_tanh_back,
	 want_row_tanh_back},
	{"lstm_gates", 0, F_FINITE | F_HUGE | F_NAN, -1, 0, 9, 11, shape_lstm, NULL, run_lstm, want_lstm},
	{"lstm_gates_back", 0, F_PLAIN | F_NAN, -1, 0, 20, 13, shape_lstm_back, fix_lstm_back, run_lstm_back,
	 want_lstm_back},
	{"gru_gates", 0, F_FINITE | F_NAN, 2, 0, 9, 11, shape_gru, NULL, run_gru, want_gru},
	{"gru_gates_back", 0, F_PLAIN | F_NAN, -1, 0, 15, 13, shape_gru_back, fix_gru_back, run_gru_back, want_gru_back},
	{"softmax_tile", 1, F_FINITE | F_HUGE | F_NAN | F_MASKED, -1, 0, 4, 2, shape_tile, NULL, run_tile, want_tile},
	{"softmax_end", 1, F_PLAIN | F_NAN, -1, 0, 1, 2, shape_tile_end, fix_tile_end, run_tile_end, want_tile_end},
	{"softmax_again", 1, F_PLAIN | F_MASKED | F_NAN, -1, 0, 3, 2, shape_again, NULL, run_again, want_again},
	{"softmax_back", 0, F_FINITE | F_NAN, -1, 0, 3, 3, shape_softmax_back, NULL, run_softmax_back, want_softmax_back},
	{"cross_entropy", 1, F_FINITE | F_HUGE | F_MASKED | F_NAN, -1, 0, 5, 2, shape_entropy, NULL, run_entropy,
	 want_entropy},
	{"layernorm", 1, F_FINITE, -1, 0, 7, 4, shape_layernorm, NULL, run_layernorm, want_layernorm},
	{"layernorm_back", 1, F_PLAIN, -1, 0, 10, 4, shape_norm_back, fix_layernorm_back, run_layernorm_back,
	 want_layernorm_back},
	{"rmsnorm", 1, F_FINITE, -1, 0, 4, 3, shape_layernorm, NULL, run_rmsnorm, want_rmsnorm},
	{"rmsnorm_back", 1, F_PLAIN, -1, 0, 8, 4, shape_norm_back, fix_rmsnorm_back, run_rmsnorm_back, want_rmsnorm_back},
	{"norm_gain_back", 0, F_PLAIN | F_NAN, -1, 0, 16, 10, shape_gain_back, NULL, run_gain_back, want_gain_back},
	{"relu", 0, F_ALL, 0, 0, 1, 2, shape_one, NULL, run_relu, want_relu},
	{"relu_back", 0, F_ALL, 0, 0, 1, 3, shape_two, NULL, run_relu_back, want_relu_back},
	{"gelu", 0, F_FINITE | F_NAN, -1, 0, 8, 2, shape_one, NULL, run_gelu, want_gelu},
	{"gelu_back", 0, F_FINITE | F_NAN, -1, 0, 15, 3, shape_two, NULL, run_gelu_back, want_gelu_back},
	{"swiglu", 0, F_FINITE | F_NAN, -1, 0, 4, 3, shape_two, NULL, run_swiglu, want_swiglu},
	{"swiglu_back", 0, F_FINITE | F_NAN, -1, 0, 8, 5, shape_two_out, NULL, run_swiglu_back, want_swiglu_back},
	{"adamw", 0, F_PLAIN | F_NAN, -1, 0, 14, 7, shape_adamw, fix_adamw, run_adamw, want_adamw},
	{"sgd", 0, F_PLAIN | F_NAN, -1, 0, 6, 5, shape_sgd, NULL, run_sgd, want_sgd},
};
enum { SLOTS = sizeof slots / sizeof *slots };

#endif
