/* The kernels in plain C with libm: the meaning of every slot, on any processor. Written to be read, not to be fast. */
#include "kernel/kernel_moves.h"

#include <math.h>
#include <string.h>

enum { NR = 8, MR = 4, KC = 256 };

/* First column of panel `panel`, and how many columns it has. */
static int panel_columns(const ur_product *p, int panel, int *first)
{
	int block = p->N / p->blocks, unit = panel / p->blocks * NR;
	*first = panel % p->blocks * block + unit;
	return block - unit < NR ? block - unit : NR;
}

extern const ur_kernels ur_kernels_c;
static const void *panel_at(const ur_product *p, ur_dtype dtype, int panel)
{
	size_t apart = p->apart ? p->apart : ur_panel_bytes(&ur_kernels_c, dtype, p->K);
	return (const char *)p->panels + (size_t)(panel - p->p0) * apart;
}

static float start_of(const ur_product *p, int column, float c)
{
	return p->accumulate ? c : p->bias ? p->bias[column] : 0;
}

static float weight_f32(const void *panel, int k, int j) { return ((const float *)panel)[k * NR + j]; }

static float weight_bf16(const void *panel, int k, int j)
{
	uint32_t word = ((const uint32_t *)panel)[k * (NR / 2) + j % (NR / 2)];
	return ur_bf16_value((uint16_t)(j < NR / 2 ? word : word >> 16));
}

static void product_of(const ur_product *p, ur_dtype dtype, float (*weight)(const void *panel, int k, int j))
{
	for (int panel = p->p0; panel < p->p1; panel++) {
		const void *b = panel_at(p, dtype, panel);
		int first, columns = panel_columns(p, panel, &first);

		for (int i = 0; i < p->M; i++)
			for (int j = 0; j < columns; j++) {
				const float *a = p->strip ? p->A + i / MR * p->strip + i % MR : p->A + i * p->row;
				float *c = p->C + i * p->ldc + first + j, sum = start_of(p, first + j, *c);

				for (int k = 0; k < p->K; k++)
					sum += a[k * p->col] * weight(b, k, j);
				*c = sum;
			}
	}
}

static void product_f32(const ur_product *p) { product_of(p, UR_F32, weight_f32); }
static void product_bf16(const ur_product *p) { product_of(p, UR_BF16, weight_bf16); }

/* Largest magnitude of a row; NaN where it has one. */
static float most_of(int n, const float *x)
{
	float most = 0;
	for (int i = 0; i < n; i++) {
		if (isnan(x[i]))
			return x[i];
		most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
	}
	return most;
}

static void product_i8(const ur_product *p)
{
	for (int i = 0; i < p->M; i++) {
		const float *a = p->A + i * p->row, most = most_of(p->K, a);
		/* 0: nothing to round, or nothing that could be */
		const float inverse = most > UR_I8_LEAST && isfinite(most) ? 127 / most : 0, unit = most / 127;

		for (int panel = p->p0; panel < p->p1; panel++) {
			const int8_t *b = panel_at(p, UR_I8, panel);
			int first, columns = panel_columns(p, panel, &first);

			for (int j = 0; j < columns; j++) {
				float *c = p->C + i * p->ldc + first + j;

				*c = start_of(p, first + j, *c);
				for (int from = 0; from < p->K; from += UR_I8_DEPTH) {
					int32_t dot = 0;
					for (int k = from; k < p->K && k < from + UR_I8_DEPTH; k++)
						dot += (inverse > 0 ? (int)rintf(a[k] * inverse) : 0) * b[k / 4 * 4 * NR + 4 * j + k % 4];
					*c += unit * p->scale[first + j] * (float)dot;
				}
			}
		}
	}
}

static void pack(int n, int K, const float *src, ptrdiff_t column, ptrdiff_t depth, float *panel)
{
	for (int k = 0; k < K; k++)
		for (int j = 0; j < NR; j++)
			panel[k * NR + j] = j < n ? src[j * column + k * depth] : 0;
}

static void strips(int M, int K, const float *src, ptrdiff_t ld, float *out)
{
	for (int s = 0; s < M; s += MR, out += K * MR)
		for (int k = 0; k < K; k++)
			for (int i = 0; i < MR; i++)
				out[k * MR + i] = s + i < M ? src[k * ld + s + i] : 0;
}

static float sigmoid1(float x) { return (float)(1 / (1 + exp(-(double)x))); }

static void sigmoid(int n, const float *x, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = sigmoid1(x[i]);
}

static void tanh_(int n, const float *x, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = tanhf(x[i]);
}

static void exp_(int n, const float *x, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = expf(x[i]);
}

static void add(int n, const float *x, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] += x[i];
}

static void axpy(int n, float a, const float *x, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] += a * x[i];
}

static void scale(int n, float a, float *x)
{
	if (a == 1)
		return;
	for (int i = 0; i < n; i++)
		x[i] *= a;
}

static void mul(int n, const float *a, const float *b, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = a[i] * b[i];
}

static double dot(int n, const float *a, const float *b)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

static double sum_squares(size_t n, const float *x)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	return sum;
}

static void column_sums(int rows, int n, const float *x, ptrdiff_t ld, float *out)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < n; j++)
			out[j] += x[i * ld + j];
}

static void row_dots(int rows, int n, const float *x, ptrdiff_t ld, const float *q, float *out)
{
	for (int i = 0; i < rows; i++) {
		float sum = 0;
		for (int j = 0; j < n; j++)
			sum += x[i * ld + j] * q[j];
		out[i] = sum;
	}
}

static void row_sum(int rows, int n, const float *p, const float *x, ptrdiff_t ld, float *y)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < n; j++)
			y[j] += p[i] * x[i * ld + j];
}

static void lstm_gates(int n, float *a, ptrdiff_t stride, const float *c_prev, float *c, float *h)
{
	for (int j = 0; j < n; j++) {
		float i = sigmoid1(a[j]), f = sigmoid1(a[stride + j]), g = tanhf(a[2 * stride + j]),
		      o = sigmoid1(a[3 * stride + j]);
		float cell = f * c_prev[j] + i * g;
		a[j] = i;
		a[stride + j] = f;
		a[2 * stride + j] = g;
		a[3 * stride + j] = o;
		c[j] = cell;
		h[j] = o * tanhf(cell);
	}
}

static void lstm_gates_back(int n, const float *a, ptrdiff_t stride, const float *c_prev, const float *c,
                            const float *dh, float *dc, float *da)
{
	for (int j = 0; j < n; j++) {
		float i = a[j], f = a[stride + j], g = a[2 * stride + j], o = a[3 * stride + j], t = tanhf(c[j]);
		float d = dc[j] + dh[j] * o * (1 - t * t);
		da[j] = d * g * i * (1 - i);
		da[stride + j] = d * c_prev[j] * f * (1 - f);
		da[2 * stride + j] = d * i * (1 - g * g);
		da[3 * stride + j] = dh[j] * t * o * (1 - o);
		dc[j] = d * f;
	}
}

static void gru_gates(int n, float *a, float *u, ptrdiff_t stride, const float *h_prev, float *h)
{
	for (int j = 0; j < n; j++) {
		float r = sigmoid1(a[j] + u[j]), z = sigmoid1(a[stride + j] + u[stride + j]);
		float m = tanhf(a[2 * stride + j] + r * u[2 * stride + j]);
		a[j] = r;
		a[stride + j] = z;
		a[2 * stride + j] = m;
		h[j] = (1 - z) * m + z * h_prev[j];
	}
}

static void gru_gates_back(int n, const float *a, const float *un, ptrdiff_t stride, const float *h_prev,
                           float *dh, float *da, float *du)
{
	for (int j = 0; j < n; j++) {
		float r = a[j], z = a[stride + j], m = a[2 * stride + j], d = dh[j];
		float dn = d * (1 - z) * (1 - m * m), dr = dn * un[j] * r * (1 - r), dz = d * (h_prev[j] - m) * z * (1 - z);
		da[j] = du[j] = dr;
		da[stride + j] = du[stride + j] = dz;
		da[2 * stride + j] = dn;
		du[2 * stride + j] = dn * r;
		dh[j] = d * z;
	}
}

static float softmax_row(int n, int total, float factor, float *s, float *m, float *sum)
{
	float most = *m, back;
	double add_up = 0;

	for (int i = 0; i < n; i++) {
		s[i] *= factor;
		most = s[i] > most ? s[i] : most;
	}
	/* an infinite maximum would make exp(inf - inf) a NaN: scores that are all -infinity weigh nothing */
	if (most == -INFINITY)
		most = 0;
	for (int i = 0; i < n; i++) {
		s[i] = expf(s[i] - most);
		add_up += s[i];
	}
	for (int i = n; i < total; i++)
		s[i] = 0;
	back = *m == -INFINITY ? 0 : expf(*m - most);
	*sum = *sum * back + (float)add_up;
	*m = most;
	return back;
}

static void softmax_tile(int rows, int n, int total, float factor, float *s, ptrdiff_t ld, float *m, float *sum,
                         float *back)
{
	for (int r = 0; r < rows; r++)
		back[r] = softmax_row(n, total, factor, s + r * ld, &m[r], &sum[r]);
}

static void softmax_end(int n, const float *m, const float *sum, float *o, float *lse)
{
	scale(n, 1 / *sum, o);
	if (lse)
		*lse = *m + logf(*sum);
}

static void softmax_again(int n, int total, float factor, float lse, float *s)
{
	for (int i = 0; i < total; i++)
		s[i] = i < n ? expf(s[i] * factor - lse) : 0;
}

static void softmax_back(int n, float factor, float delta, const float *p, float *dp)
{
	for (int i = 0; i < n; i++)
		dp[i] = p[i] * (dp[i] - delta) * factor;
}

static double cross_entropy(int n, float *x, int target, float weight)
{
	double most = x[0], sum = 0, loss;

	for (int i = 1; i < n; i++)
		most = x[i] > most ? x[i] : most;
	for (int i = 0; i < n; i++)
		sum += exp(x[i] - most);
	loss = log(sum) + most - x[target];
	if (weight != 0)
		for (int i = 0; i < n; i++)
			x[i] = (float)((exp(x[i] - most) / sum - (i == target)) * weight);
	return loss;
}

static void layernorm(int n, float eps, const float *x, const float *g, const float *b, float *y, float stats[2])
{
	double mean = 0, var = 0;
	for (int i = 0; i < n; i++)
		mean += x[i];
	mean /= n;
	for (int i = 0; i < n; i++)
		var += (x[i] - mean) * (x[i] - mean);
	stats[0] = (float)mean;
	stats[1] = (float)(1 / sqrt(var / n + eps));
	for (int i = 0; i < n; i++)
		y[i] = (x[i] - stats[0]) * stats[1] * g[i] + (b ? b[i] : 0);
}

static void norm_back(int n, const float *x, const float *g, float mean, float rstd, int centred, const float *dy,
                      float *dx)
{
	double sum = 0, along = 0;
	for (int i = 0; i < n; i++) {
		double d = (double)dy[i] * g[i];
		sum += d;
		along += d * ((double)x[i] - mean) * rstd;
	}
	sum = centred ? sum / n : 0;
	along /= n;
	for (int i = 0; i < n; i++)
		dx[i] = (float)(rstd * ((double)dy[i] * g[i] - sum - ((double)x[i] - mean) * rstd * along));
}

static void layernorm_back(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx)
{
	norm_back(n, x, g, stats[0], stats[1], 1, dy, dx);
}

static void rmsnorm(int n, float eps, const float *x, const float *g, float *y, float stats[2])
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	stats[0] = 0;
	stats[1] = (float)(1 / sqrt(sum / n + eps));
	for (int i = 0; i < n; i++)
		y[i] = x[i] * stats[1] * g[i];
}

static void rmsnorm_back(int n, const float *x, const float *g, const float stats[2], const float *dy, float *dx)
{
	norm_back(n, x, g, 0, stats[1], 0, dy, dx);
}

static void norm_gain_back(int rows, int n, ptrdiff_t ld, const float *x, const float *stats, const float *dy,
                           float *dg)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < n; j++)
			dg[j] += dy[i * ld + j] * (x[i * ld + j] - stats[2 * i]) * stats[2 * i + 1];
}

static void row_tanh_back(int rows, int n, const float *p, const float *v, const float *z, float *y, float *dx)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < n; j++) {
			size_t at = (size_t)i * (size_t)n + (size_t)j;
			float d = p[i] * v[j] * (1 - z[at] * z[at]);
			y[j] += d;
			dx[at] += d;
		}
}

static void relu(int n, const float *x, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = 0 > x[i] ? 0 : x[i];
}

static void relu_back(int n, const float *x, const float *dy, float *dx)
{
	for (int i = 0; i < n; i++)
		dx[i] = (float)!(x[i] <= 0) * dy[i];
}

/* gelu(x) = x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3) (Hendrycks and Gimpel 2016) */
static const double GELU_A = 0.7978845608028654, GELU_B = 0.044715;

static void gelu(int n, const float *x, float *y)
{
	for (int i = 0; i < n; i++) {
		double v = x[i];
		y[i] = (float)(0.5 * v * (1 + tanh(GELU_A * (v + GELU_B * v * v * v))));
	}
}

static void gelu_back(int n, const float *x, const float *dy, float *dx)
{
	for (int i = 0; i < n; i++) {
		double v = x[i], t = tanh(GELU_A * (v + GELU_B * v * v * v));
		dx[i] = (float)(dy[i] * (0.5 * (1 + t) + 0.5 * v * (1 - t * t) * GELU_A * (1 + 3 * GELU_B * v * v)));
	}
}

static void swiglu(int n, const float *gate, const float *up, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = gate[i] * sigmoid1(gate[i]) * up[i];
}

static void swiglu_back(int n, const float *gate, const float *up, const float *dy, float *dgate, float *dup)
{
	for (int i = 0; i < n; i++) {
		float s = sigmoid1(gate[i]), g = gate[i], u = up[i], d = dy[i];
		dgate[i] = d * u * s * (1 + g * (1 - s));
		dup[i] = d * g * s;
	}
}

static void adamw(size_t n, const ur_adamw *o, float *w, const float *g, float *m, float *v)
{
	for (size_t i = 0; i < n; i++) {
		float d = g[i] * o->scale;
		m[i] = o->beta1 * m[i] + (1 - o->beta1) * d;
		v[i] = o->beta2 * v[i] + (1 - o->beta2) * d * d;
		w[i] -= o->lr * (m[i] / o->bias1 / (sqrtf(v[i] / o->bias2) + o->eps) + o->decay * w[i]);
	}
}

static void sgd(size_t n, float lr, float momentum, float decay, float factor, float *w, const float *g, float *m)
{
	for (size_t i = 0; i < n; i++) {
		m[i] = momentum * m[i] + (factor * g[i] + decay * w[i]);
		w[i] -= lr * m[i];
	}
}

static double peak(size_t n)
{
	volatile float out;
	float s[8] = { 0 };
	for (size_t i = 0; i < n / 8; i++)
		for (int j = 0; j < 8; j++)
			s[j] = s[j] * 0.999f + 1e-6f;
	out = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
	(void)out;
	return 2.0 * (double)(n / 8 * 8);
}

const ur_kernels ur_kernels_c = {
	.name = "c", .nr = NR, .mr = MR, .kc = KC,
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
