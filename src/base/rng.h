/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A number is a function of (seed, counter), never of what was drawn before, so it survives
 * recomputation, resuming, and any number of threads. */
#ifndef UR_RNG_H
#define UR_RNG_H

#include <stdint.h>

/* Four independent 32-bit words for counter (hi, lo) under `seed`. */
void ur_rng4(uint64_t seed, uint64_t hi, uint64_t lo, uint32_t out[4]);

/* One draw, for callers that are not in a hurry. */
uint64_t ur_rng_u64(uint64_t seed, uint64_t hi, uint64_t lo);
/* Uniform in [0, n), n > 0; the bias is at most n / 2^64, relative. */
uint64_t ur_rng_below(uint64_t seed, uint64_t hi, uint64_t lo, uint64_t n);
/* Uniform in [0, 1) with 53 bits. */
double ur_rng_unit(uint64_t seed, uint64_t hi, uint64_t lo);
/* Standard normal (Box and Muller). */
double ur_rng_normal(uint64_t seed, uint64_t hi, uint64_t lo);

/* What a stream of numbers is for: the high word of its counter, so that two uses never share a number. */
enum ur_rng_use {
	UR_RNG_INIT = 1, UR_RNG_BATCH, UR_RNG_DROPOUT, UR_RNG_SAMPLE, UR_RNG_TEST, UR_RNG_RESAMPLE,
	UR_RNG_TASK
};
static inline uint64_t ur_rng_for(enum ur_rng_use use, uint64_t which) { return (uint64_t)use << 56 | which; }

#endif
