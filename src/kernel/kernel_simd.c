/* The kernels in vector code: one source, compiled once per instruction set with UR_SET its name and UR_WIDTH its
 * floats in a vector. kernel_c.c says what each slot means; here is only how. */
#include "kernel/kernel_moves.h"
#include "kernel/kernel_product.h"
#include "kernel/kernel_int8.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

enum { STRETCH = 512 }; /* sums run in float32 lanes this far, then go into float64 */

static void sigmoid(int n, const float *x, float *y) { EACH(i, m, n) STORE(y + i, vsigmoid(LOAD(x + i, m)), m); }
static void tanh_(int n, const float *x, float *y) { EACH(i, m, n) STORE(y + i, vtanh(LOAD(x + i, m)), m); }
static void exp_(int n, const float *x, float *y) { EACH(i, m, n) STORE(y + i, vexp(LOAD(x + i, m)), m); }
static void add(int n, const float *x, float *y) { EACH(i, m, n) STORE(y + i, LOAD(y + i, m) + LOAD(x + i, m), m); }
static void axpy(int n, float a, const float *x, float *y)
{
	EACH(i, m, n) STORE(y + i, LOAD(y + i, m) + a * LOAD(x + i, m), m);
}
static void scale(int n, float a, float *x)
{
	if (a != 1)
		EACH(i, m, n) STORE(x + i, LOAD(x + i, m) * a, m);
}
static void mul(int n, const float *a, const float *b, float *y)
{
	EACH(i, m, n) STORE(y + i, LOAD(a + i, m) * LOAD(b + i, m), m);
}

static double dot(int n, const float *a, const float *b)
{
	double sum = 0;
	for (int s = 0; s < n; s += STRETCH) {
		vf acc = { 0 };
		int end = n - s < STRETCH ? n - s : STRETCH;
		EACH(i, m, end)
			acc += LOAD(a + s + i, m) * LOAD(b + s + i, m);
		sum += sum_of(acc);
	}
	return sum;
}

static double sum_squares(size_t n, const float *x)
{
	double sum = 0;
	for (size_t s = 0; s < n; s += STRETCH)
		sum += dot((int)(n - s < STRETCH ? n - s : STRETCH), x + s, x + s);
	return sum;
}

/* Several columns of vectors at a time: whole cache lines of a row, which may be on a page of its own, and sums that do
 * not wait for each other. */
static void column_sums(int rows, int n, const float *x, ptrdiff_t ld, float *out)
{
	enum { AT_ONCE = 4 };
	const int whole = n - n % (AT_ONCE * W);

	for (int j = 0; j < whole; j += AT_ONCE * W) {
		vf acc[AT_ONCE];
UNROLL
		for (int v = 0; v < AT_ONCE; v++)
			acc[v] = load(out + j + v * W);
		for (int i = 0; i < rows; i++)
UNROLL
			for (int v = 0; v < AT_ONCE; v++)
				acc[v] += load(x + i * ld + j + v * W);
UNROLL
		for (int v = 0; v < AT_ONCE; v++)
			store(out + j + v * W, acc[v]);
	}
	x += whole;
	out += whole;
	EACH(j, m, n - whole) {
		vf acc = LOAD(out + j, m);
		for (int i = 0; i < rows; i++)
			acc += LOAD(x + i * ld + j, m);
		STORE(out + j, acc, m);
	}
}

/* `count` rows at a time, so that their chains overlap; each row's own order does not depend on it. */
INLINE void dots(int count, int n, const float *x, ptrdiff_t ld, const float *q, float *out)
{
	vf acc[4] = { { 0 } };

	EACH(j, m, n) {
		vf y = LOAD(q + j, m);
#pragma GCC unroll 4
		for (int r = 0; r < count; r++)
			acc[r] += LOAD(x + r * ld + j, m) * y;
	}
	for (int r = 0; r < count; r++)
		out[r] = sum_of(acc[r]);
}

static void row_dots(int rows, int n, const float *x, ptrdiff_t ld, const float *q, float *out)
{
	int i = 0;
	for (; i + 4 <= rows; i += 4)
		dots(4, n, x + i * ld, ld, q, out + i);
	for (; i < rows; i++)
		dots(1, n, x + i * ld, ld, q, out + i);
}

/* V vectors of y at a time, all rows. */
INLINE void sums(int V, int rows, const float *p, const float *x, ptrdiff_t ld, float *y)
{
	vf acc[8];
#pragma GCC unroll 8
	for (int v = 0; v < V; v++)
		acc[v] = load(y + v * W);
	for (int i = 0; i < rows; i++) {
		vf a = all(p[i]);
#pragma GCC unroll 8
		for (int v = 0; v < V; v++)
			acc[v] += a * load(x + i * ld + v * W);
	}
#pragma GCC unroll 8
	for (int v = 0; v < V; v++)
		store(y + v * W, acc[v]);
}

static void row_sum(int rows, int n, const float *p, const float *x, ptrdiff_t ld, float *y)
{
	int j = 0;
	for (; j + 8 * W <= n; j += 8 * W)
		sums(8, rows, p, x + j, ld, y + j);
	for (; j + 4 * W <= n; j += 4 * W)
		sums(4, rows, p, x + j, ld, y + j);
	EACH(e, m, n - j) {
		vf acc = LOAD(y + j + e, m);
		for (int i = 0; i < rows; i++)
			acc += p[i] * LOAD(x + i * ld + j + e, m);
		STORE(y + j + e, acc, m);
	}
}

static void lstm_gates(int n, float *a, ptrdiff_t stride, const float *c_prev, float *c, float *h)
{
	EACH(j, m, n) {
		float *q = a + j;
		vf i = vsigmoid(LOAD(q, m)), f = vsigmoid(LOAD(q + stride, m)), g = vtanh(LOAD(q + 2 * stride, m));
		vf o = vsigmoid(LOAD(q + 3 * stride, m)), cell = f * LOAD(c_prev + j, m) + i * g;
		STORE(q, i, m);
		STORE(q + stride, f, m);
		STORE(q + 2 * stride, g, m);
		STORE(q + 3 * stride, o, m);
		STORE(c + j, cell, m);
		STORE(h + j, o * vtanh(cell), m);
	}
}

static void lstm_gates_back(int n, const float *a, ptrdiff_t stride, const float *c_prev, const float *c,
                            const float *dh, float *dc, float *da)
{
	EACH(j, m, n) {
		const float *q = a + j;
		vf i = LOAD(q, m), f = LOAD(q + stride, m), g = LOAD(q + 2 * stride, m), o = LOAD(q + 3 * stride, m);
		vf t = vtanh(LOAD(c + j, m)), e = LOAD(dh + j, m), d = LOAD(dc + j, m) + e * o * (1.0f - t * t);
		vf before = LOAD(c_prev + j, m);
		STORE(da + j, d * g * i * (1.0f - i), m);
		STORE(da + stride + j, d * before * f * (1.0f - f), m);
		STORE(da + 2 * stride + j, d * i * (1.0f - g * g), m);
		STORE(da + 3 * stride + j, e * t * o * (1.0f - o), m);
		STORE(dc + j, d * f, m);
	}
}

static void gru_gates(int n, float *a, float *u, ptrdiff_t stride, const float *h_prev, float *h)
{
	EACH(j, m, n) {
		float *q = a + j;
		vf r = vsigmoid(LOAD(q, m) + LOAD(u + j, m)), z = vsigmoid(LOAD(q + stride, m) + LOAD(u + stride + j, m));
		vf c = vtanh(LOAD(q + 2 * stride, m) + r * LOAD(u + 2 * stride + j, m));
		STORE(q, r, m);
		STORE(q + stride, z, m);
		STORE(q + 2 * stride, c, m);
		STORE(h + j, (1.0f - z) * c + z * LOAD(h_prev + j, m), m);
	}
}

static void gru_gates_back(int n, const float *a, const float *un, ptrdiff_t stride, const float *h_prev,
                           float *dh, float *da, float *du)
{
	EACH(j, m, n) {
		const float *q = a + j;
		vf r = LOAD(q, m), z = LOAD(q + stride, m), c = LOAD(q + 2 * stride, m), d = LOAD(dh + j, m);
		vf dn = d * (1.0f - z) * (1.0f - c * c), dr = dn * LOAD(un + j, m) * r * (1.0f - r);
		vf dz = d * (LOAD(h_prev + j, m) - c) * z * (1.0f - z);
		STORE(da + j, dr, m);
		STORE(du + j, dr, m);
		STORE(da + stride + j, dz, m);
		STORE(du + stride + j, dz, m);
		STORE(da + 2 * stride + j, dn, m);
		STORE(du + 2 * stride + j, dn * r, m);
		STORE(dh + j, d * z, m);
	}
}

static const float LOG2E = 1.44269504088896341f;

/* The first n lanes of v, `rest` in the others. */
INLINE vf first_lanes(int n, vf v, float rest)
{
	static const int32_t lanes[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	vi lane;
	memcpy(&lane, lanes, sizeof lane);
	return pick(lane < n, v, all(rest));
}

/* Largest of x[0..n) and `least`; x has room for `room`. A NaN may be passed over: what follows sees it again. */
INLINE float largest(int n, int room, const float *x, float least)
{
	vf most = all(least);
	int i = 0;
	for (; i + W <= n; i += W)
		most = vmax(load(x + i), most);
	if (i < n && i + W <= room) {
		most = vmax(first_lanes(n - i, load(x + i), least), most);
		i = n;
	}
	least = max_of(most);
	for (; i < n; i++)
		least = x[i] > least ? x[i] : least;
	return least;
}

/* 2^y for -127 <= y < 127.5; results below 2^-126 are 0. 2^r for |r| <= 1/2 is a minimax polynomial of degree 5 (own
 * fit, relative 9.4e-8). */
INLINE vf vexp2(vf y)
{
	const float magic = 12582912.0f;
	vf t, r, p;

	t = y + magic;
	r = y - (t - magic);
	p = 0.001326897763647139f * r + 0.009671307168900967f;
	p = p * r + 0.055507123470306396f;
	p = p * r + 0.24022246897220612f;
	p = p * r + 0.6931470036506653f;
	p = p * r + 1.0f;
	return p * (vf)(((vi)t - (vi)all(magic) + 127) << 23);
}

/* exp of at most `most` <= 88.3: a softmax's arguments are below 0, but for a rounding that may be large where scores
 * are. Fewer steps than vexp: relative error 3e-7 + |x| 2e-8, and results below 2^-126 are 0. */
INLINE vf vexp_softmax(vf x, float most) { return vexp2(vmin(all(most), vmax(all(-88.02f), x)) * LOG2E); }

/* Where scores are large, rounding may put an argument far above 0; below this it does not. */
static const float SMALL = 0x1p20f;

/* exp(x * factor - shift), at most exp(most); `small`: factor and shift have LOG2E in them, shift is at most SMALL
 * LOG2E, and arguments above 0 are so by rounding alone. */
INLINE vf weight_of(vf x, float factor, float shift, int small, float most)
{
	x = x * factor - shift;
	return small ? vexp2(vmax(all(-127), x)) : vexp_softmax(x, most);
}

/* x[i] becomes its weight for i < n, 0 for the rest of `room`; the sum of them. */
INLINE float weights_sum(int n, int room, float factor, float shift, int small, float most, float *x)
{
	vf sum = { 0 };
	int i = 0;
	for (; i + W <= n; i += W) {
		vf e = weight_of(load(x + i), factor, shift, small, most);
		store(x + i, e);
		sum += e;
	}
	if (i < n) {
		int whole = i + W <= room;
		vf e = weight_of(whole ? load(x + i) : load_n(x + i, n - i), factor, shift, small, most);
		e = first_lanes(n - i, e, 0);
		if (whole)
			store(x + i, e);
		else
			store_n(x + i, e, n - i);
		sum += e;
		i = whole ? i + W : n;
	}
	if (i < room)
		memset(x + i, 0, (size_t)(room - i) * sizeof *x);
	return sum_of(sum);
}

/* First every row's maximum, then every row's exponentials: row by row, each would wait for its maximum. */
static void softmax_tile(int rows, int n, int total, float factor, float *s, ptrdiff_t ld, float *m, float *sum,
                         float *back)
{
	enum { NEAR = 8 };   /* rows that are still in the first-level cache when they are read again */

	for (int from = 0; from < rows; from += NEAR) {
		int to = rows - from < NEAR ? rows : from + NEAR;
		float before[NEAR];

		for (int r = from; r < to; r++) {
			/* scaled, the order is the same; a negative factor is nobody's */
			float most = largest(n, total, s + r * ld, -INFINITY) * factor;
			before[r - from] = m[r];
			most = most > m[r] ? most : m[r];
			m[r] = most == -INFINITY ? 0 : most;
		}
		for (int r = from; r < to; r++) {
			float was = before[r - from];
			back[r] = was == m[r] ? 1 : was == -INFINITY ? 0 : expf(was - m[r]);
			sum[r] *= back[r];
			if (fabsf(m[r]) < SMALL)
				sum[r] += weights_sum(n, total, factor * LOG2E, m[r] * LOG2E, 1, 0, s + r * ld);
			else
				sum[r] += weights_sum(n, total, factor, m[r], 0, 0, s + r * ld);
		}
	}
}

static void softmax_end(int n, const float *m, const float *sum, float *o, float *lse)
{
	scale(n, 1 / *sum, o);
	if (lse)
		*lse = *m + logf(*sum);
}

static void softmax_again(int n, int total, float factor, float lse, float *s)
{
	(void)weights_sum(n, total, factor, lse, 0, 88.3f, s);
}

static void softmax_back(int n, float factor, float delta, const float *p, float *dp)
{
	EACH(i, m, n)
		STORE(dp + i, LOAD(p + i, m) * (LOAD(dp + i, m) - delta) * factor, m);
}

static double cross_entropy(int n, float *x, int target, float weight)
{
	float most = largest(n, n, x, -INFINITY), hit = x[target];
	double sum = 0;

	if (weight == 0) {
		for (int s = 0; s < n; s += STRETCH) {
			int end = n - s < STRETCH ? n - s : STRETCH;
			vf acc = { 0 };
			int i = 0;
			for (; i + W <= end; i += W)
				acc += vexp_softmax(load(x + s + i) - most, 0);
			if (i < end) {
				float rest[W] = { 0 };
				store_n(rest, vexp_softmax(load_n(x + s + i, end - i) - most, 0), end - i);
				acc += load(rest);
			}
			sum += sum_of(acc);
		}
		return log(sum) + most - hit;
	}
	for (int s = 0; s < n; s += STRETCH)
		sum += weights_sum(n - s < STRETCH ? n - s : STRETCH, 0, 1, most, 0, 0, x + s);
	scale(n, (float)(weight / sum), x);
	x[target] -= weight;
	return log(sum) + most - hit;
}

INLINE float mean_of(int n, const float *x)
{
	vf sum = { 0 };
	EACH(i, m, n)
		sum += LOAD(x + i, m);
	return sum_of(sum) / (float)n;
}

static void layernorm(int n, float eps, const float *x, const float *g, const float *b, float *y, float stats[2])
{
	float mean = mean_of(n, x), rstd;
	vf var = { 0 };

	EACH(i, m, n) {
		/* idle lanes hold 0, not the mean: give them the mean */
		vf d = (m == W ? load(x + i) : load_n(x + i, m)) - mean;
		if (m < W)
			for (int l = m; l < W; l++)
				d[l] = 0;
		var += d * d;
	}
	rstd = 1 / sqrtf(sum_of(var) / (float)n + eps);
	stats[0] = mean;
	stats[1] = rstd;
	if (b)
		EACH(i, m, n)
			STORE(y + i, (LOAD(x + i, m) - mean) * rstd * LOAD(g + i, m) + LOAD(b + i, m), m);
	else
		EACH(i, m, n)
			STORE(y + i, (LOAD(x + i, m) - mean) * rstd * LOAD(g + i, m), m);
}

INLINE void norm_back(int n, const float *x, const float *g, float mean, float rstd, int centred, const float *dy,
                      float *dx)
{
	vf sum = { 0 }, along = { 0 };
	float s, a;

	EACH(i, m, n) {
		vf d = LOAD(dy + i, m) * LOAD(g + i, m);
		sum += d;
		along += d * (LOAD(x + i, m) - mean);
	}
	s = centred ? sum_of(sum) / (float)n : 0;
	a = sum_of(along) * rstd / (float)n;
	EACH(i, m, n)
		STORE(dx + i, rstd * (LOAD(dy + i, m) * LOAD(g + i, m) - s - (LOAD(x + i, m) - mean) * rstd * a), m);
}

static void layernorm_back(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx)
{
	norm_back(n, x, g, stats[0], stats[1], 1, dy, dx);
}

static void rmsnorm(int n, float eps, const float *x, const float *g, float *y, float stats[2])
{
	float r = 1 / sqrtf((float)(dot(n, x, x) / n) + eps);
	stats[0] = 0;
	stats[1] = r;
	EACH(i, m, n)
		STORE(y + i, LOAD(x + i, m) * r * LOAD(g + i, m), m);
}

static void rmsnorm_back(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx)
{
	norm_back(n, x, g, 0, stats[1], 0, dy, dx);
}

static void norm_gain_back(int rows, int n, ptrdiff_t ld, const float *x, const float *stats, const float *dy,
                           float *dg)
{
	EACH(j, m, n) {
		vf acc = LOAD(dg + j, m);
		for (int i = 0; i < rows; i++)
			acc += LOAD(dy + i * ld + j, m) * ((LOAD(x + i * ld + j, m) - stats[2 * i]) * stats[2 * i + 1]);
		STORE(dg + j, acc, m);
	}
}

static void row_tanh_back(int rows, int n, const float *p, const float *v, const float *z, float *y, float *dx)
{
	for (int i = 0; i < rows; i++, z += n, dx += n)
		EACH(j, m, n) {
			vf t = LOAD(z + j, m), d = p[i] * LOAD(v + j, m) * (1 - t * t);
			STORE(y + j, LOAD(y + j, m) + d, m);
			STORE(dx + j, LOAD(dx + j, m) + d, m);
		}
}

static void relu(int n, const float *x, float *y) { EACH(i, m, n) STORE(y + i, vmax(all(0), LOAD(x + i, m)), m); }

static void relu_back(int n, const float *x, const float *dy, float *dx)
{
	EACH(i, m, n)
		STORE(dx + i, pick(LOAD(x + i, m) <= 0, all(0), all(1)) * LOAD(dy + i, m), m);
}

/* gelu(x) = x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
static const float GELU_A = 0.7978845608028654f, GELU_B = 0.044715f;

static void gelu(int n, const float *x, float *y)
{
	EACH(i, m, n) {
		vf v = LOAD(x + i, m);
		STORE(y + i, 0.5f * v * (1.0f + vtanh(GELU_A * v * (1.0f + GELU_B * v * v))), m);
	}
}

static void gelu_back(int n, const float *x, const float *dy, float *dx)
{
	EACH(i, m, n) {
		vf v = LOAD(x + i, m), t = vtanh(GELU_A * v * (1.0f + GELU_B * v * v));
		vf d = 0.5f * (1.0f + t) + 0.5f * v * (1.0f - t * t) * GELU_A * (1.0f + 3 * GELU_B * v * v);
		/* far out 1 - t^2 is 0 and v^2 may be infinite: the slope there is 0 or 1 */
		d = pick(v > 10.0f, all(1.0f), pick(v < -10.0f, all(0.0f), d));
		STORE(dx + i, LOAD(dy + i, m) * d, m);
	}
}

static void swiglu(int n, const float *gate, const float *up, float *y)
{
	EACH(i, m, n) {
		vf g = LOAD(gate + i, m);
		STORE(y + i, g * vsigmoid(g) * LOAD(up + i, m), m);
	}
}

static void swiglu_back(int n, const float *gate, const float *up, const float *dy, float *dgate, float *dup)
{
	EACH(i, m, n) {
		vf g = LOAD(gate + i, m), u = LOAD(up + i, m), d = LOAD(dy + i, m), s = vsigmoid(g);
		STORE(dgate + i, d * u * s * (1.0f + g * (1.0f - s)), m);
		STORE(dup + i, d * g * s, m);
	}
}

static void adamw(size_t n, const ur_adamw *o, float *w, const float *g, float *m, float *v)
{
	const float b1 = o->beta1, b2 = o->beta2, step = 1 / o->bias1, second = 1 / o->bias2;

	for (size_t i = 0; i < n; i += W) {
		int k = n - i < W ? (int)(n - i) : W;
		vf d = LOAD(g + i, k) * o->scale, a = b1 * LOAD(m + i, k) + (1 - b1) * d;
		vf q = b2 * LOAD(v + i, k) + (1 - b2) * d * d, x = LOAD(w + i, k);
		STORE(m + i, a, k);
		STORE(v + i, q, k);
		STORE(w + i, x - o->lr * (a * step / (vsqrt(q * second) + o->eps) + o->decay * x), k);
	}
}

static void sgd(size_t n, float lr, float momentum, float decay, float factor, float *w, const float *g, float *m)
{
	for (size_t i = 0; i < n; i += W) {
		int k = n - i < W ? (int)(n - i) : W;
		vf x = LOAD(w + i, k), a = momentum * LOAD(m + i, k) + (factor * LOAD(g + i, k) + decay * x);
		STORE(m + i, a, k);
		STORE(w + i, x - lr * a, k);
	}
}

static double peak(size_t n)
{
	vf acc[12], x = all(0.999f), y = all(1e-6f);
	volatile float out;
	vf sum = { 0 };

#pragma GCC unroll 12
	for (int i = 0; i < 12; i++)
		acc[i] = all((float)i * 1e-3f);
	for (size_t k = 0; k < n / (12 * W); k++) {
#pragma GCC unroll 12
		for (int i = 0; i < 12; i++)
			acc[i] = acc[i] * x + y;
	}
#pragma GCC unroll 12
	for (int i = 0; i < 12; i++)
		sum += acc[i];
	out = sum_of(sum);
	(void)out;
	return 2.0 * (double)(n / (12 * W) * (12 * W));
}

extern const ur_kernels JOIN(ur_kernels_, UR_SET);
const ur_kernels JOIN(ur_kernels_, UR_SET) = {
	.name = TEXT(UR_SET), .nr = NR, .mr = MR, .kc = KC,
	.product = { product_f32, product_bf16, product_i8 }, .pack = pack, .strips = strips,
	.sigmoid = sigmoid, .tanh = tanh_, .exp = exp_, .add = add, .axpy = axpy, .scale = scale, .mul = mul,
	.tanh_back = ur_move_tanh_back, .copy = ur_move_copy, .fill = ur_move_fill, .rotate = ur_move_rotate,
	.dot = dot, .sum_squares = sum_squares, .column_sums = column_sums,
	.row_dots = row_dots, .row_sum = row_sum,
	.lstm_gates = lstm_gates, .lstm_gates_back = lstm_gates_back,
	.gru_gates = gru_gates, .gru_gates_back = gru_gates_back,
	.softmax_tile = softmax_tile, .softmax_end = softmax_end, .softmax_again = softmax_again,
	.softmax_back = softmax_back,
	.cross_entropy = cross_entropy,
	.layernorm = layernorm, .layernorm_back = layernorm_back, .rmsnorm = rmsnorm, .rmsnorm_back = rmsnorm_back,
	.norm_gain_back = norm_gain_back,
	.row_tanh_back = row_tanh_back, .relu = relu, .relu_back = relu_back,
	.gelu = gelu, .gelu_back = gelu_back, .swiglu = swiglu, .swiglu_back = swiglu_back,
	.adamw = adamw, .sgd = sgd, .peak = peak,
};
