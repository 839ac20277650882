/* Philox4x32-10. Constants and rounds from the paper; test_base.c holds it to the published vectors. */
#include "base/rng.h"

#include <math.h>

void ur_rng4(uint64_t seed, uint64_t hi, uint64_t lo, uint32_t out[4])
{
	uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
	uint32_t c0 = (uint32_t)lo, c1 = (uint32_t)(lo >> 32), c2 = (uint32_t)hi, c3 = (uint32_t)(hi >> 32);

	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
		uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c0 = n0;
		c1 = (uint32_t)p1;
		c2 = n2;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

uint64_t ur_rng_u64(uint64_t seed, uint64_t hi, uint64_t lo)
{
	uint32_t r[4];
	ur_rng4(seed, hi, lo, r);
	return (uint64_t)r[1] << 32 | r[0];
}

uint64_t ur_rng_below(uint64_t seed, uint64_t hi, uint64_t lo, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)ur_rng_u64(seed, hi, lo) * n) >> 64);
}

double ur_rng_unit(uint64_t seed, uint64_t hi, uint64_t lo)
{
	return (double)(ur_rng_u64(seed, hi, lo) >> 11) * 0x1p-53;
}

double ur_rng_normal(uint64_t seed, uint64_t hi, uint64_t lo)
{
	uint32_t r[4];
	double u, v;
	ur_rng4(seed, hi, lo, r);
	u = ((double)((uint64_t)r[1] << 32 | r[0]) + 0.5) * 0x1p-64;
	v = (double)((uint64_t)r[3] << 32 | r[2]) * 0x1p-64;
	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}
