/* Matrices of every storage for tests of products, packed by hand from kernel.h's words. */
#ifndef KERNEL_MATRIX_H
#define KERNEL_MATRIX_H

#include "arrays.h"

#include "kernel/gemm.h"

/* B (K, N) at random, and its panels made here from kernel.h's words. */
typedef struct matrix {
	int N, K, blocks, panels;
	ur_dtype dtype;
	float *B;        /* (N, K): column n is a row; UR_I8: the bytes, without their scales */
	float *scale;
	float *packed;   /* panels */
} matrix;

/* Column j of a panel, at depth k. */
static void put_weight(char *panel, ur_dtype dtype, int nr, int k, int j, float v)
{
	if (dtype == UR_F32)
		((float *)(void *)panel)[k * nr + j] = v;
	else if (dtype == UR_BF16)
		((uint16_t *)(void *)panel)[2 * (k * (nr / 2) + j % (nr / 2)) + j / (nr / 2)] = ur_bf16_of(v);
	else
		panel[k / 4 * 4 * nr + 4 * j + k % 4] = (char)v;
}

static float random_weight(rnd *r, ur_dtype dtype)
{
	if (dtype == UR_I8) /* the ends often: sums of products must not saturate */
		return (float)(rnd_below(r, 3) ? rnd_below(r, 255) - 127 : rnd_below(r, 2) ? 127 : -127);
	return dtype == UR_BF16 ? ur_bf16_value(ur_bf16_of((float)rnd_unit(r))) : (float)rnd_unit(r);
}

static matrix matrix_new(const ur_kernels *k, arrays *all, rnd *r, ur_dtype dtype, int N, int K, int blocks)
{
	int W = N / blocks, nr = k->nr, per = (W + nr - 1) / nr;
	matrix m = {N, K, blocks, per * blocks, dtype, NULL, NULL, NULL};
	size_t deep = ur_panel_bytes(k, dtype, K), floats = ((size_t)m.panels * deep + 3) / 4;
	m.B = arr(all, (size_t)N * (size_t)K);
	m.scale = arr_at(all, (size_t)N, 1);
	m.packed = memset(arr_at(all, floats, 3), 0, floats * sizeof(float));
	for (int n = 0; n < N; n++) {
		m.scale[n] = (float)(0.01 + 0.005 * rnd_unit(r));
		for (int i = 0; i < K; i++)
			m.B[n * K + i] = random_weight(r, dtype);
	}
	for (int p = 0; p < m.panels; p++)
		for (int i = 0; i < K; i++)
			for (int j = 0; j < nr; j++) {
				int unit = p / blocks * nr + j, n = p % blocks * W + unit;
				float v = unit < W ? m.B[n * K + i] : 0;
				put_weight((char *)m.packed + (size_t)p * deep, dtype, nr, i, j, v);
			}
	return m;
}

static ur_product product_of(const ur_kernels *k, const matrix *m, int p0, int p1)
{
	size_t panel = ur_panel_bytes(k, m->dtype, m->K);
	return (ur_product){.N = m->N, .K = m->K, .blocks = m->blocks, .p0 = p0, .p1 = p1, .scale = m->scale,
	                    .panels = (const char *)m->packed + (size_t)p0 * panel};
}

#endif
