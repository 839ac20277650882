/* Vectors of UR_WIDTH floats, written with the compiler's own vector types so that one source serves every instruction
 * set. Only what those types cannot say (minimum, maximum, square root) is spelled per set, with a plain fallback. */
#ifndef UR_SIMD_H
#define UR_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { W = UR_WIDTH };
typedef float vf __attribute__((vector_size(UR_WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(UR_WIDTH * 4)));
typedef int8_t vb __attribute__((vector_size(UR_WIDTH * 4)));

#define INLINE static inline __attribute__((always_inline))

INLINE vf load(const float *p)
{
	vf v;
	memcpy(&v, p, sizeof v);
	return v;
}

INLINE void store(float *p, vf v) { memcpy(p, &v, sizeof v); }

/* The first n of W; the rest are 0. */
INLINE vf load_n(const float *p, int n)
{
	vf v = { 0 };
	memcpy(&v, p, (size_t)n * sizeof *p);
	return v;
}

INLINE void store_n(float *p, vf v, int n) { memcpy(p, &v, (size_t)n * sizeof *p); }

INLINE vf all(float x) { return x - (vf){ 0 }; }

/* W words of two bfloat16 each: those in the low halves, and in the high. */
INLINE vf low_halves(const void *p)
{
	vi v;
	memcpy(&v, p, sizeof v);
	return (vf)(v << 16);
}

INLINE vf high_halves(const void *p)
{
	vi v;
	memcpy(&v, p, sizeof v);
	return (vf)(v & (int32_t)0xffff0000);
}

INLINE vf pick(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }

/* Like the instructions: where one is NaN, the second argument. */
INLINE vf vmax(vf a, vf b)
{
#if UR_WIDTH == 8 && defined(__AVX2__)
	return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif UR_WIDTH == 16 && defined(__AVX512F__)
	return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#else
	return pick(a > b, a, b);
#endif
}

INLINE vf vmin(vf a, vf b)
{
#if UR_WIDTH == 8 && defined(__AVX2__)
	return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif UR_WIDTH == 16 && defined(__AVX512F__)
	return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#else
	return pick(a < b, a, b);
#endif
}

INLINE vf vsqrt(vf a)
{
#if UR_WIDTH == 8 && defined(__AVX2__)
	return (vf)_mm256_sqrt_ps((__m256)a);
#elif UR_WIDTH == 16 && defined(__AVX512F__)
	return (vf)_mm512_sqrt_ps((__m512)a);
#else
	for (int i = 0; i < W; i++)
		a[i] = sqrtf(a[i]);
	return a;
#endif
}

/* Of whole numbers. */
INLINE vi imax(vi a, vi b)
{
#if UR_WIDTH == 8 && defined(__AVX2__)
	return (vi)_mm256_max_epi32((__m256i)a, (__m256i)b);
#elif UR_WIDTH == 16 && defined(__AVX512F__)
	return (vi)_mm512_max_epi32((__m512i)a, (__m512i)b);
#else
	vi more = a > b;
	return (a & more) | (b & ~more);
#endif
}

/* Each lane of sum += the dot product of the four bytes there. Bytes are -127 to 127, so that two products and their
 * sum fit into 16 bits. Where instructions want one side without signs, x gives its own to w. */
INLINE vi dot4(vi sum, vb x, vb w)
{
#if UR_WIDTH == 8 && defined(__AVX2__)
	__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)x), _mm256_sign_epi8((__m256i)w, (__m256i)x));
	return sum + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#elif UR_WIDTH == 16 && defined(__AVX512BW__)
	__m512i a = _mm512_abs_epi8((__m512i)x);
	__m512i b = _mm512_mask_sub_epi8((__m512i)w, _mm512_movepi8_mask((__m512i)x), _mm512_setzero_si512(), (__m512i)w);
#if defined(__AVX512VNNI__)
	return (vi)_mm512_dpbusd_epi32((__m512i)sum, a, b);
#else
	return sum + (vi)_mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1));
#endif
#else
	/* even bytes and odd ones as 16 bits, as the shifts leave them */
	typedef int16_t vs __attribute__((vector_size(UR_WIDTH * 4)));
	vs even = (vs)((vs)x << 8) >> 8, odd = (vs)x >> 8, pairs;
	pairs = even * ((vs)((vs)w << 8) >> 8) + odd * ((vs)w >> 8);
	return sum + (((vi)pairs << 16) >> 16) + ((vi)pairs >> 16);
#endif
}

/* W values, each between -127.5 and 127.5, to the nearest whole number, ties to even. */
INLINE void store_bytes(int8_t *p, vf v)
{
#if UR_WIDTH == 8 && defined(__AVX2__)
	__m256i n = _mm256_cvtps_epi32((__m256)v);
	__m128i half = _mm_packs_epi32(_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1));
	_mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(half, half));
#elif UR_WIDTH == 16 && defined(__AVX512F__)
	_mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32((__m512)v)));
#else
	for (int i = 0; i < W; i++)
		p[i] = (int8_t)(int)rintf(v[i]);
#endif
}

INLINE float sum_of(vf a)
{
	float s[W];
	memcpy(s, &a, sizeof s);
	for (int half = W / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			s[i] += s[i + half];
	return s[0];
}

INLINE float max_of(vf a)
{
	float s[W];
	memcpy(s, &a, sizeof s);
	for (int half = W / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			s[i] = s[i] > s[i + half] ? s[i] : s[i + half];
	return s[0];
}

/* exp: x = n ln 2 + r, |r| <= ln 2 / 2; e^r by a minimax polynomial of degree 6 (own fit, relative 3.1e-9), 2^n in two
 * factors so that results fade through the denormals. NaN stays NaN: it is the second argument of both clamps. */
INLINE vf vexp(vf x)
{
	const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number in the low bits */
	vf t, r, p;
	vi n, n1;

	x = vmin(all(89.5f), vmax(all(-104.5f), x));
	t = x * 1.44269504088896341f + magic;
	n = (vi)t - (vi)all(magic);
	t = t - magic;
	r = x - t * 0.693145751953125f;
	r = r - t * 1.42860682030941723e-6f;
	p = 0.0013814540579915047f * r + 0.00836874544620514f;
	p = p * r + 0.04166838899254799f;
	p = p * r + 0.1666652113199234f;
	p = p * r + 0.4999999403953552f;
	p = p * (r * r) + r + 1.0f;
	n1 = n >> 1;
	return p * (vf)((n1 + 127) << 23) * (vf)((n - n1 + 127) << 23);
}

INLINE vf vsigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

/* tanh: x N(x^2) / D(x^2), own minimax fit of degree 4 / 4 on |x| <= 9, relative 2.1e-8 before rounding */
INLINE vf vtanh(vf x)
{
	vf u, a, b;

	x = vmin(all(9.0f), vmax(all(-9.0f), x));
	u = x * x;
	a = 1.335465490e-08f * u + 2.060907620e-05f;
	a = a * u + 3.495587681e-03f;
	a = a * u + 1.338102523e-01f;
	a = a * u + 9.999999794e-01f;
	b = 7.776555222e-07f * u + 3.285634145e-04f;
	b = b * u + 2.587698041e-02f;
	b = b * u + 4.671434082e-01f;
	b = b * u + 1.0f;
	return vmin(all(1.0f), vmax(all(-1.0f), x * a / b));
}

/* for (i, m) over [0, n) in steps of W: m = how many of the lanes count */
#define EACH(i, m, n) for (int i = 0, m; i < (n) && ((m = (n) - i < W ? (n) - i : W), 1); i += W)
#define LOAD(p, m) ((m) == W ? load(p) : load_n(p, m))
#define STORE(p, v, m) do { if ((m) == W) store(p, v); else store_n(p, v, m); } while (0)

#endif
