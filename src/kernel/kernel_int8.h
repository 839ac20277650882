/* The product with int8 weights: rows become bytes in a buffer on the stack, a stretch of depth at a time, and then
 * pass over the panels, four bytes of k a lane. Sums of whole numbers are exact, so nothing hangs on tiles and order.
 * Included by kernel_simd.c alone. */
#include "kernel/kernel.h"
#include "kernel/simd.h"

enum { I8_MR = 4, I8_ROWS = 64, I8_ROOM = 8 * UR_I8_DEPTH };

/* What a row is to be multiplied with to become bytes; *unit: what one of them is then worth. */
INLINE float i8_scale(int n, const float *x, float *unit)
{
	const vi magnitude = (vi){ 0 } + 0x7fffffff;
	vi most = { 0 };
	int32_t lanes[W], bits = 0;
	float value;

	/* as whole numbers, magnitudes have the order of their values, and a NaN is above all */
	EACH(i, m, n)
		most = imax(most, (vi)LOAD(x + i, m) & magnitude);
	memcpy(lanes, &most, sizeof lanes);
	for (int i = 0; i < W; i++)
		bits = lanes[i] > bits ? lanes[i] : bits;
	memcpy(&value, &bits, sizeof value);
	*unit = value / 127;
	return value > UR_I8_LEAST && bits < 0x7f800000 ? 127 / value : 0;
}

/* n floats to bytes, with zeros up to a multiple of four. */
INLINE void i8_row(int n, const float *x, float factor, int8_t *to)
{
	int i = 0;

	if (factor == 0) {
		memset(to, 0, (size_t)(n + 3) / 4 * 4);
		return;
	}
	for (; i + W <= n; i += W)
		store_bytes(to + i, load(x + i) * factor);
	if (i < n) {
		int8_t rest[W];
		store_bytes(rest, load_n(x + i, n - i) * factor);
		memcpy(to + i, rest, (size_t)(n - i + 3) / 4 * 4);
	}
}

/* Rows of bytes, what they are worth, and the scales of a panel's columns. */
typedef struct i8_rows { const int8_t *a; ptrdiff_t ld; const float *unit; } i8_rows;

/* R rows by P panels, `groups` of four deep. */
INLINE void i8_tile(int R, int P, int groups, const i8_rows *x, const char *b, size_t apart, const dest *t,
                    const float *const *scale)
{
	vi sum[I8_MR][2 * MOST_PANELS];

UNROLL
	for (int r = 0; r < R; r++)
UNROLL
		for (int v = 0; v < 2 * P; v++)
			sum[r][v] = (vi){ 0 };
	for (int g = 0; g < groups; g++) {
		vb w[2 * MOST_PANELS];
UNROLL
		for (int v = 0; v < 2 * P; v++)
			memcpy(&w[v], b + (size_t)(v / 2) * apart + (size_t)(4 * NR * g + v % 2 * 4 * W), sizeof w[v]);
UNROLL
		for (int r = 0; r < R; r++) {
			int32_t four;
			memcpy(&four, x->a + r * x->ld + 4 * g, sizeof four);
UNROLL
			for (int v = 0; v < 2 * P; v++)
				sum[r][v] = dot4(sum[r][v], (vb)((vi){ 0 } + four), w[v]);
		}
	}
UNROLL
	for (int r = 0; r < R; r++)
UNROLL
		for (int v = 0; v < 2 * P; v++) {
			const dest *o = &t[v / 2];
			vf unit = x->unit[r] * load(scale[v / 2] + v % 2 * W);
			store(o->c + r * o->ldc + v % 2 * W, load(o->start + r * o->ld_start + v % 2 * W) +
			      unit * __builtin_convertvector(sum[r][v], vf));
		}
}

typedef void i8_fn(int groups, const i8_rows *x, const char *b, size_t apart, const dest *t, const float *const *scale);
#define I8_TILE(R, P) \
	static void i8_##R##_##P(int groups, const i8_rows *x, const char *b, size_t apart, const dest *t, \
	                         const float *const *scale) \
	{ \
		i8_tile(R, P, groups, x, b, apart, t, scale); \
	}
I8_TILE(1, 1) I8_TILE(2, 1) I8_TILE(3, 1) I8_TILE(4, 1) I8_TILE(1, 4) I8_TILE(2, 2)
static i8_fn *const i8_one[I8_MR] = { i8_1_1, i8_2_1, i8_3_1, i8_4_1 }, *const i8_many[] = { i8_1_4, i8_2_2 };
static const int i8_panels[] = { 4, 2 };
enum { I8_FEW = sizeof i8_panels / sizeof *i8_panels };

/* `rows` rows from `row` on, by `count` panels, a stretch of depth from k on. */
INLINE void i8_panel(const ur_product *p, const i8_rows *x, int row, int rows, int panel, int count, int k, int depth,
                     size_t apart)
{
	static const float zeros[NR];
	const char *b = (const char *)p->panels + (size_t)(panel - p->p0) * apart + (size_t)k * NR;
	const int groups = (depth + 3) / 4;
	const float *scale[MOST_PANELS];
	dest t[MOST_PANELS];
	int first = 0, columns = NR;

	for (int q = 0; q < count; q++) {
		columns = panel_columns(p, panel + q, &first);
		t[q] = (dest){ p->C + row * p->ldc + first, p->ldc, zeros, 0 };
		if (k > 0 || p->accumulate)
			t[q] = (dest){ t[q].c, p->ldc, t[q].c, p->ldc };
		else if (p->bias)
			t[q].start = p->bias + first;
		scale[q] = p->scale + first;
	}
	for (int i = 0; i < rows; i += I8_MR) {
		const int n = rows - i < I8_MR ? rows - i : I8_MR;
		const i8_rows at = { x->a + i * x->ld, x->ld, x->unit + i };

		if (columns == NR) {
			i8_fn *const run = count > 1 ? i8_many[n - 1] : i8_one[n - 1];

			run(groups, &at, b, apart, t, scale);
			for (int q = 0; q < count; q++) {
				t[q].c += n * t[q].ldc;
				t[q].start += n * t[q].ld_start;
			}
		} else {
			/* a partial panel through a buffer of full width */
			const size_t size = (size_t)columns * sizeof(float);
			float edge[I8_MR * NR] = { 0 }, edge_scale[NR] = { 0 };
			dest e = { edge, NR, edge, NR };

			memcpy(edge_scale, scale[0], size);
			for (int r = 0; r < n; r++)
				memcpy(edge + r * NR, t[0].start + (i + r) * t[0].ld_start, size);
			i8_one[n - 1](groups, &at, b, apart, &e, (const float *[]){ edge_scale });
			for (int r = 0; r < n; r++)
				memcpy(t[0].c + (i + r) * p->ldc, edge + r * NR, size);
		}
	}
}

static void product_i8(const ur_product *p)
{
	const size_t apart = p->apart ? p->apart : (size_t)(p->K + 3) / 4 * 4 * NR;
	const int deep = p->K < UR_I8_DEPTH ? (p->K + 3) / 4 * 4 : UR_I8_DEPTH, full = full_panels(p);
	const int most = deep * I8_ROWS <= I8_ROOM ? I8_ROWS : I8_ROOM / deep / I8_MR * I8_MR;
	_Alignas(64) int8_t bytes[I8_ROOM];
	float factor[I8_ROWS], unit[I8_ROWS];

	for (int row = 0, rows; row < p->M; row += rows) {
		rows = p->M - row < most ? p->M - row : most;
		for (int i = 0; i < rows; i++)
			factor[i] = i8_scale(p->K, p->A + (row + i) * p->row, &unit[i]);
		for (int k = 0; k == 0 || k < p->K; k += UR_I8_DEPTH) {
			const int depth = p->K - k < UR_I8_DEPTH ? p->K - k : UR_I8_DEPTH;

			for (int i = 0; i < rows; i++)
				i8_row(depth, p->A + (row + i) * p->row + k, factor[i], bytes + i * deep);
			for (int panel = p->p0, count; panel < p->p1; panel += count) {
				count = 1;
				if (rows <= I8_FEW && panel + i8_panels[rows - 1] <= full)
					count = i8_panels[rows - 1];
				i8_panel(p, &(i8_rows){ bytes, deep, unit }, row, rows, panel, count, k, depth, apart);
			}
		}
	}
}
