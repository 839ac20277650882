/* What tests of attention that sees all compare with: attention and its gradient written plainly in float64, and
 * gradients of a whole block by differences of a float64 loss. Included by test_cross.c alone. */
#ifndef PLAIN_ATTENTION_H
#define PLAIN_ATTENTION_H

#include "arrays.h"

/* q, o (T, B, heads E); k, v (S, B, kv_heads E), all dense; rows beyond a length are not looked at. */
typedef struct plain {
	int T, B, S, heads, kv_heads, E, causal;
	const int *len, *slen;
} plain;

static double *reals(arrays *a, size_t n)
{
	double *x = (double *)(void *)arr(a, 2 * n);
	for (size_t i = 0; i < n; i++)
		x[i] = 0;
	return x;
}

static int rows_of(const int *len, int b, int all) { return len ? len[b] : all; }

static double dot(int n, const double *a, const double *b)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* p (n) = softmax of one query over the n positions it sees */
static int plain_weights(const plain *a, int t, int b, int h, const double *q, const double *k, double *p)
{
	int n = rows_of(a->slen, b, a->S), kh = h / (a->heads / a->kv_heads);
	double most = -INFINITY, sum = 0;
	if (a->causal && n > t + 1)
		n = t + 1;
	for (int s = 0; s < n; s++) {
		p[s] = dot(a->E, q + ((t * a->B + b) * a->heads + h) * a->E,
		           k + ((s * a->B + b) * a->kv_heads + kh) * a->E) / sqrt(a->E);
		most = fmax(most, p[s]);
	}
	for (int s = 0; s < n; s++)
		sum += p[s] = exp(p[s] - most);
	for (int s = 0; s < n; s++)
		p[s] /= sum;
	return n;
}

/* mean: NULL, or (T, B, S) the weights' mean over heads */
static void plain_forward(const plain *a, const double *q, const double *k, const double *v, double *o, double *mean)
{
	arrays all = {0};
	double *p = reals(&all, (size_t)a->S);
	for (int t = 0; t < a->T; t++)
		for (int b = 0; b < a->B; b++)
			for (int h = 0; h < a->heads && t < rows_of(a->len, b, a->T); h++) {
				int n = plain_weights(a, t, b, h, q, k, p), kh = h / (a->heads / a->kv_heads);
				for (int s = 0; s < n && mean; s++)
					mean[(t * a->B + b) * a->S + s] += p[s] / a->heads;
				for (int s = 0; s < n; s++)
					for (int e = 0; e < a->E; e++)
						o[((t * a->B + b) * a->heads + h) * a->E + e] +=
							p[s] * v[((s * a->B + b) * a->kv_heads + kh) * a->E + e];
			}
	arr_free(&all);
}

static void plain_backward(const plain *a, const double *q, const double *k, const double *v, const double *dout,
                           double *dq, double *dk, double *dv)
{
	arrays all = {0};
	double *p = reals(&all, (size_t)a->S), *dp = reals(&all, (size_t)a->S);
	for (int t = 0; t < a->T; t++)
		for (int b = 0; b < a->B; b++)
			for (int h = 0; h < a->heads && t < rows_of(a->len, b, a->T); h++) {
				int n = plain_weights(a, t, b, h, q, k, p), kh = h / (a->heads / a->kv_heads);
				int at = ((t * a->B + b) * a->heads + h) * a->E;
				double delta = 0;
				for (int s = 0; s < n; s++) {
					dp[s] = dot(a->E, dout + at, v + ((s * a->B + b) * a->kv_heads + kh) * a->E);
					delta += p[s] * dp[s];
				}
				for (int s = 0; s < n; s++)
					for (int e = 0; e < a->E; e++) {
						int key = ((s * a->B + b) * a->kv_heads + kh) * a->E + e;
						double ds = p[s] * (dp[s] - delta) / sqrt(a->E);
						dv[key] += p[s] * dout[at + e];
						dk[key] += ds * q[at + e];
						dq[at + e] += ds * k[key];
					}
			}
	arr_free(&all);
}

/* y (M, out) = x (M, in) W^T + b; b NULL: none */
static void plain_linear(int M, int out, int in, const double *w, const double *b, const double *x, double *y)
{
	for (int m = 0; m < M; m++)
		for (int o = 0; o < out; o++)
			y[m * out + o] = dot(in, w + o * in, x + m * in) + (b ? b[o] : 0);
}

/* A loss of some arrays, and what is said to be its gradient. */
enum { MOST_PARTS = 12 };
typedef struct slopes {
	double (*loss)(const void *of, double *const *in);
	const void *of;
	int n;
	const char *name[MOST_PARTS];
	size_t size[MOST_PARTS];
	const float *at[MOST_PARTS], *grad[MOST_PARTS];
} slopes;

static void slopes_add(slopes *s, const char *name, size_t size, const float *at, const float *grad)
{
	s->name[s->n] = name;
	s->size[s->n] = size;
	s->at[s->n] = at;
	s->grad[s->n++] = grad;
}

/* The worst difference between slope and gradient along random directions within one array, by the gradient's norm, or
 * where that is nearly 0 by a thousandth of the largest. Steps are so small that hardly any ReLU's kink lies in one.
 * NaN among the values is padding, which the loss must not look at: it is 0 here, and its gradient counts as any. */
static double slopes_worst(const slopes *s, rnd *r, int rounds, const char **name)
{
	const double h = 1e-7;
	double worst = 0, largest = 0;
	arrays a = {0};
	double *in[MOST_PARTS];
	for (int i = 0; i < s->n; i++) {
		double norm = 0;
		in[i] = reals(&a, s->size[i]);
		for (size_t j = 0; j < s->size[i]; j++) {
			in[i][j] = isnan(s->at[i][j]) ? 0 : (double)s->at[i][j];
			norm += (double)s->grad[i][j] * (double)s->grad[i][j];
		}
		largest = fmax(largest, sqrt(norm));
	}
	for (int i = 0; i < s->n; i++)
		for (int round = 0; round < rounds; round++) {
			double want = 0, norm = 0, *kept = in[i], *up = reals(&a, s->size[i]), *down = reals(&a, s->size[i]);
			for (size_t j = 0; j < s->size[i]; j++) {
				double d = rnd_below(r, 2) ? h : -h, g = (double)s->grad[i][j];
				up[j] = kept[j] + d;
				down[j] = kept[j] - d;
				want += g * d / h;
				norm += g * g;
			}
			in[i] = up;
			double change = s->loss(s->of, in);
			in[i] = down;
			change -= s->loss(s->of, in);
			in[i] = kept;
			double off = fabs(change / (2 * h) - want) / fmax(sqrt(norm), 1e-3 * largest);
			if (!(off <= worst)) {
				worst = isnan(off) ? INFINITY : off;
				*name = s->name[i];
			}
		}
	arr_free(&a);
	return worst;
}

#endif
