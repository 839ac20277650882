/* The packed product in vector code: register tiles of R rows by 2 vectors a panel.
 *
 * A panel is 2 W columns wide. A tile of R rows holds 2 R accumulators; with fewer than 4 rows that would leave the
 * multiply-add units waiting for their own results, so such tiles take several panels at once. Depth is blocked by KC
 * so that a panel's block stays in the first-level cache while all rows pass over it; the accumulators continue through
 * C, which keeps every element one chain in order of k. Rows are dealt out evenly: 32 rows are 6 6 5 5 5 5, not 5 x 6
 * and a slow tile of 2. Included by kernel_simd.c alone. */
#include "kernel/kernel.h"
#include "kernel/simd.h"

#if UR_WIDTH == 16
enum { MR = 12, KC = 512 };
#else
enum { MR = 6, KC = 256 };
#endif
enum { NR = 2 * W, MOST_PANELS = 6 };

/* Sanitizers instrument every access: unrolled tiles would take a compiler minutes, for the same logic. */
#ifdef UR_ROLLED
#define UNROLL
#define UNROLL_DEPTH
#else
#define UNROLL _Pragma("GCC unroll 12")
#define UNROLL_DEPTH _Pragma("GCC unroll 4")
#endif

/* Where one panel's results go and what the chains start from. */
typedef struct dest {
	float *c;
	ptrdiff_t ldc;
	const float *start;  /* row r starts at start[r * ld_start] */
	ptrdiff_t ld_start;
} dest;

INLINE void tile(int R, int P, ur_dtype dtype, int transposed, int K, const float *a, ptrdiff_t ld, const char *b,
                 size_t panel_bytes, const dest *t)
{
	vf acc[MR][2 * MOST_PANELS];

	/* every loop over tile elements is unrolled, so that the accumulators live in registers alone */
UNROLL
	for (int r = 0; r < R; r++)
UNROLL
		for (int v = 0; v < 2 * P; v++)
			acc[r][v] = load(t[v / 2].start + r * t[v / 2].ld_start + v % 2 * W);
	/* results lie a row apart, too far for the processor to foresee: without this every tile would wait for memory when
	 * it stores, and when the next one loads what it adds to */
UNROLL
	for (int r = 0; r < R; r++)
UNROLL
		for (int p = 0; p < P; p++) {
			const dest *o = &t[p];
			__builtin_prefetch(o->c + r * o->ldc, 1);
			if (o->start == o->c)
				__builtin_prefetch(o->c + (R + r) * o->ldc, 1);
		}
	/* a(r, k): plain, row r is a + r ld; transposed, a + r at a step of ld */
UNROLL_DEPTH
	for (int k = 0; k < K; k++) {
		vf w[2 * MOST_PANELS];
UNROLL
		for (int v = 0; v < 2 * P; v++) {
			const char *at = b + (size_t)(v / 2) * panel_bytes;
			if (dtype == UR_F32)
				w[v] = load((const float *)(const void *)at + k * NR + v % 2 * W);
			else
				w[v] = v % 2 ? high_halves(at + k * NR * 2) : low_halves(at + k * NR * 2);
		}
UNROLL
		for (int r = 0; r < R; r++) {
			vf x = all(transposed ? a[k * ld + r] : a[r * ld + k]);
UNROLL
			for (int v = 0; v < 2 * P; v++)
				acc[r][v] += x * w[v];
		}
	}
UNROLL
	for (int r = 0; r < R; r++)
UNROLL
		for (int v = 0; v < 2 * P; v++) {
			const dest *o = &t[v / 2];
			store(o->c + r * o->ldc + v % 2 * W, acc[r][v]);
		}
}

/* `count` tiles of R rows, one below the other, the rows of a `next` floats apart: in one function, because entering
 * one costs as much as a dozen steps of depth. */
INLINE void column(int R, int P, ur_dtype dtype, int transposed, int K, const float *a, ptrdiff_t ld, ptrdiff_t next,
                   const char *b, size_t panel_bytes, const dest *to, int count)
{
	dest t[MOST_PANELS];

	/* a copy that nobody else can see, so that it lives in registers */
UNROLL
	for (int p = 0; p < P; p++)
		t[p] = to[p];
	for (; count > 0; count--, a += next) {
		tile(R, P, dtype, transposed, K, a, ld, b, panel_bytes, t);
UNROLL
		for (int p = 0; p < P; p++) {
			t[p].c += R * t[p].ldc;
			t[p].start += R * t[p].ld_start;
		}
	}
}

typedef void tile_fn(int K, const float *a, ptrdiff_t ld, ptrdiff_t next, const char *b, size_t panel_bytes,
                     const dest *to, int count);

/* Every height, plain and transposed, by storage; those of one panel and those of several. */
#define TILE(R, P, name, q, tr) \
	static void name##_##R##_##P(int K, const float *a, ptrdiff_t ld, ptrdiff_t next, const char *b, size_t bytes, \
	                             const dest *to, int count) \
	{ \
		column(R, P, q, tr, K, a, ld, next, b, bytes, to, count); \
	}
#if UR_WIDTH == 16
#define TILES(name, q, tr) \
	TILE(1, 1, name, q, tr) TILE(2, 1, name, q, tr) TILE(3, 1, name, q, tr) TILE(4, 1, name, q, tr) \
	TILE(5, 1, name, q, tr) TILE(6, 1, name, q, tr) TILE(7, 1, name, q, tr) TILE(8, 1, name, q, tr) \
	TILE(9, 1, name, q, tr) TILE(10, 1, name, q, tr) TILE(11, 1, name, q, tr) TILE(12, 1, name, q, tr) \
	TILE(1, 6, name, q, tr) TILE(2, 4, name, q, tr) TILE(3, 3, name, q, tr) TILE(4, 2, name, q, tr) \
	TILE(5, 2, name, q, tr) \
	static tile_fn *const name##_one[] = { name##_1_1, name##_2_1, name##_3_1, name##_4_1, name##_5_1, name##_6_1, \
	                                       name##_7_1, name##_8_1, name##_9_1, name##_10_1, name##_11_1, \
	                                       name##_12_1 }; \
	static tile_fn *const name##_many[] = { name##_1_6, name##_2_4, name##_3_3, name##_4_2, name##_5_2 };
static const int many_panels[] = { 6, 4, 3, 2, 2 };
#else
#define TILES(name, q, tr) \
	TILE(1, 1, name, q, tr) TILE(2, 1, name, q, tr) TILE(3, 1, name, q, tr) \
	TILE(4, 1, name, q, tr) TILE(5, 1, name, q, tr) TILE(6, 1, name, q, tr) \
	TILE(1, 4, name, q, tr) TILE(2, 3, name, q, tr) TILE(3, 2, name, q, tr) \
	static tile_fn *const name##_one[] = { name##_1_1, name##_2_1, name##_3_1, name##_4_1, name##_5_1, name##_6_1 }; \
	static tile_fn *const name##_many[] = { name##_1_4, name##_2_3, name##_3_2 };
static const int many_panels[] = { 4, 3, 2 };
#endif
enum { FEW_ROWS = sizeof many_panels / sizeof *many_panels };
TILES(f32, UR_F32, 0)
TILES(f32t, UR_F32, 1)
TILES(bf16, UR_BF16, 0)

static tile_fn *const *const one_panel[][2] = { { f32_one, f32t_one }, { bf16_one, NULL } };
static tile_fn *const *const many[][2] = { { f32_many, f32t_many }, { bf16_many, NULL } };

/* First column of panel `panel`, and how many columns it has. */
INLINE int panel_columns(const ur_product *p, int panel, int *first)
{
	int block = p->N / p->blocks, unit = panel / p->blocks * NR;
	*first = panel % p->blocks * block + unit;
	return block - unit < NR ? block - unit : NR;
}

/* All rows of `count` panels from `panel` on, one block of depth after the other. `count` is 1, or what a tile of M
 * rows takes at once; a partial panel comes alone, through a buffer of full width. */
INLINE void panels(const ur_product *p, ur_dtype dtype, int panel, int count)
{
	static const float zeros[NR];
	const size_t size = dtype == UR_F32 ? 4 : 2, bytes = p->apart ? p->apart : (size_t)p->K * NR * size;
	const char *b = (const char *)p->panels + (size_t)(panel - p->p0) * bytes;
	const int transposed = p->row == 1 && p->col != 1;
	const ptrdiff_t ld = transposed ? p->col : p->row;
	tile_fn *const *fn = count > 1 ? many[dtype][transposed] : one_panel[dtype][transposed];
	int tiles = (p->M + MR - 1) / MR;

	for (int k = 0; k == 0 || k < p->K; k += KC) {
		int depth = p->K - k < KC ? p->K - k : KC, first = 0;
		const float *a = p->A + k * p->col;
		dest t[MOST_PANELS];
		float edge[MR * NR];
		int columns = NR;

		for (int q = 0; q < count; q++) {
			columns = panel_columns(p, panel + q, &first);
			t[q] = (dest){ p->C + first, p->ldc, zeros, 0 };
			if (k > 0 || p->accumulate)
				t[q] = (dest){ t[q].c, p->ldc, t[q].c, p->ldc };
			else if (p->bias)
				t[q].start = p->bias + first;
		}
		for (int i = 0, row = 0, rows, same; i < tiles; i += same, row += rows * same) {
			int left = p->M - row, all = tiles - i;
			const float *x = p->strip ? a + i * p->strip : transposed ? a + row : a + row * ld;
			const char *y = b + (size_t)k * NR * size;
			ptrdiff_t next;

			if (p->strip) {
				rows = left < MR ? left : MR;
				same = left / rows;
				next = p->strip;
			} else {
				rows = (left + all - 1) / all;
				same = left % all ? left % all : all;
				next = transposed ? rows : rows * ld;
			}
			if (columns == NR) {
				fn[rows - 1](depth, x, ld, next, y, bytes, t, same);
				for (int q = 0; q < count; q++) {
					t[q].c += same * rows * t[q].ldc;
					t[q].start += same * rows * t[q].ld_start;
				}
				continue;
			}
			for (int j = 0; j < same; j++) {
				dest e = { edge, NR, edge, NR };
				size_t n = (size_t)columns * sizeof(float);
				int top = row + j * rows;

				memset(edge, 0, sizeof edge);
				for (int r = 0; r < rows; r++)
					memcpy(edge + r * NR, t[0].start + (top + r) * t[0].ld_start, n);
				fn[rows - 1](depth, x + j * next, ld, 0, y, bytes, &e, 1);
				for (int r = 0; r < rows; r++)
					memcpy(t[0].c + (top + r) * p->ldc, edge + r * NR, n);
			}
		}
	}
}

/* One past the last full panel: they come first, unless the gates of the last, partial, block of units are at the end
 * of the range. */
INLINE int full_panels(const ur_product *p)
{
	const int block = p->N / p->blocks, full = block / NR * p->blocks;
	return block % NR && p->p1 > full ? full : p->p1;
}

INLINE void product(const ur_product *p, ur_dtype dtype)
{
	const int full = full_panels(p);

	if (p->M <= 0)
		return;
	for (int panel = p->p0; panel < p->p1;) {
		int count = 1;
		if (p->M <= FEW_ROWS && panel + many_panels[p->M - 1] <= full)
			count = many_panels[p->M - 1];
		panels(p, dtype, panel, count);
		panel += count;
	}
}

static void product_f32(const ur_product *p) { product(p, UR_F32); }
static void product_bf16(const ur_product *p) { product(p, UR_BF16); }

static void pack(int n, int K, const float *src, ptrdiff_t column, ptrdiff_t depth, float *panel)
{
	if (n == NR && column == 1) {
		for (int k = 0; k < K; k++, panel += NR, src += depth) {
			store(panel, load(src));
			store(panel + W, load(src + W));
		}
		return;
	}
	/* a block of depth at a time, so that what was written is still near when its next column comes */
	for (int k0 = 0; k0 < K; k0 += 16) {
		int k1 = K - k0 < 16 ? K : k0 + 16;
		for (int j = 0; j < n; j++)
			for (int k = k0; k < k1; k++)
				panel[k * NR + j] = src[j * column + k * depth];
		for (int j = n; j < NR; j++)
			for (int k = k0; k < k1; k++)
				panel[k * NR + j] = 0;
	}
}

static void strips(int M, int K, const float *src, ptrdiff_t ld, float *out)
{
	int whole = M / MR * MR;

	/* a few rows at a time: their lines stay in the first-level cache while every strip takes its part */
	for (int k0 = 0; k0 < K; k0 += 8) {
		int k1 = K - k0 < 8 ? K : k0 + 8;
		for (int s = 0; s < whole; s += MR)
			for (int k = k0; k < k1; k++)
				memcpy(out + s * K + k * MR, src + k * ld + s, MR * sizeof *out);
		for (int k = k0; k < k1 && whole < M; k++)
			for (int i = 0; i < MR; i++)
				out[whole * K + k * MR + i] = whole + i < M ? src[k * ld + whole + i] : 0;
	}
}
