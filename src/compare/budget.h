/* From time to tokens and back: what a comparison costs, and the most tokens that fit. Plain arithmetic over measured
 * speeds; nothing here runs anything. */
#ifndef UR_BUDGET_H
#define UR_BUDGET_H

#include <stdint.h>

/* Measured on one contender, tokens a second. */
typedef struct ur_rate { double train, score; } ur_rate;

/* What is done with each contender, for a main run of N tokens. */
typedef struct ur_work {
	int trials;                 /* still to do */
	double share;               /* of N that a trial trains on */
	int validations;            /* in the main run; a trial has one, and a run that is over repeats its last */
	int64_t validation_tokens;  /* there are, and a validation takes a hundredth of N, within UR_LEAST_VALIDATION */
	int64_t heldout_tokens;     /* there are; a tenth of N is scored, within UR_LEAST_HELDOUT, and each costs two */
	double rest;                /* seconds of other things, each contender */
} ur_work;

enum { UR_LEAST_VALIDATION = 16384, UR_LEAST_HELDOUT = 65536 };

/* Tokens of one validation, and to be scored at the end, for a main run of N tokens. */
int64_t ur_budget_validation(const ur_work *w, int64_t N);
int64_t ur_budget_heldout(const ur_work *w, int64_t N);
/* Seconds that N tokens for each of n contenders take. */
double ur_budget_seconds(int n, const ur_rate *rate, const ur_work *w, int64_t N);
/* The largest multiple of `unit` tokens whose work fits in `seconds`; 0: not even one. */
int64_t ur_budget_tokens(int n, const ur_rate *rate, const ur_work *w, double seconds, int64_t unit);
/* Tokens an optimiser step should have, a power of two: a main run of N tokens has about two thousand steps where
 * that leaves a step of 1,024 to 16,384. */
int ur_budget_step(int64_t N);
/* Tokens a window should have. Of few tokens more is learnt in short windows, of which a step holds more. */
int ur_budget_window(int64_t N);
/* A guess at the N that fits, before any speed was measured. */
int64_t ur_budget_guess(int n, double seconds, double peak_flops, int64_t parameters);
/* Parameters that a comparison of n contenders in so many seconds can train usefully, to two digits: about ten tokens a
 * parameter, 6 operations a parameter and token, at a fifth of the processor's peak. */
int64_t ur_budget_parameters(int n, double seconds, double peak_flops);

#endif
