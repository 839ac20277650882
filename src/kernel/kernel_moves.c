/* Compiled once, for the processor's common ground: nothing here is worth an instruction set of its own. */
#include "kernel/kernel_moves.h"

#include <string.h>

enum { BLOCK = 16 }; /* a fixed count lets the compiler make vectors of a loop */

void ur_move_copy(int rows, int n, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy)
{
	if (rows <= 0 || n <= 0)
		return;
	if (rows == 1 || (ldx == n && ldy == n)) {
		memcpy(y, x, (size_t)rows * (size_t)n * sizeof *y);
		return;
	}
	for (int i = 0; i < rows; i++)
		memcpy(y + i * ldy, x + i * ldx, (size_t)n * sizeof *y);
}

void ur_move_fill(int rows, int n, float a, float *x, ptrdiff_t ldx)
{
	const int whole = ldx == n;
	const size_t size = (size_t)(n > 0 ? n : 0) * (size_t)(whole && rows > 0 ? rows : 1);
	uint32_t bits;

	memcpy(&bits, &a, sizeof bits);
	for (int i = 0; i < (whole && rows > 0 ? 1 : rows); i++, x += ldx) {
		if (!bits)
			memset(x, 0, size * sizeof *x);
		else
			for (size_t j = 0; j < size; j++)
				x[j] = a;
	}
}

void ur_move_rotate(int heads, int n, const float *turn, float *x)
{
	const int half = n / 2;
	const float *c = turn, *w = turn + half;

	for (int h = 0; h < heads; h++) {
		float *a = x + (ptrdiff_t)h * n, *b = a + half;
		for (int i = 0; i < half; i++) {
			float p = a[i], q = b[i];
			a[i] = p * c[i] - q * w[i];
			b[i] = q * c[i] + p * w[i];
		}
	}
}

void ur_move_tanh_back(int n, const float *restrict y, const float *restrict dy, float *restrict dx)
{
	int i = 0;

	for (; i + BLOCK <= n; i += BLOCK)
		for (int j = i; j < i + BLOCK; j++)
			dx[j] = dy[j] * (1 - y[j] * y[j]);
	for (; i < n; i++)
		dx[i] = dy[i] * (1 - y[i] * y[i]);
}
