/* From a budget to tokens: plain arithmetic over measured speeds; nothing here runs anything. */
#ifndef UR_BUDGET_H
#define UR_BUDGET_H

#include <stdint.h>

/* What each run, one architecture with one seed, may cost; or everything together. */
typedef enum ur_budget_kind { UR_BUDGET_SECONDS, UR_BUDGET_TOKENS, UR_BUDGET_FLOPS, UR_BUDGET_TOTAL } ur_budget_kind;

/* Measured on one contender: tokens a second; and seconds at the end of each run besides scoring, at most. */
typedef struct ur_rate { double train, score, after; } ur_rate;

/* What is done with each contender whose runs train for X seconds each. */
typedef struct ur_work {
	int seeds;
	int trials;                 /* still to do */
	double share;               /* of a run that a trial is */
	int validations;            /* in a run; a trial has one, and a run that is over repeats its last */
	int64_t validation_tokens;  /* there are; see ur_budget_validation */
	int64_t heldout_tokens;     /* there are; see ur_budget_heldout; each is scored in two ways, and read
	                             * twice in each */
	double measuring;           /* seconds of timing steps and prefill for each second of one run, ... */
	double least, most;         /* ... within these */
} ur_work;

enum { UR_LEAST_VALIDATION = 8192, UR_LEAST_HELDOUT = 32768 };

/* Tokens of one validation, and to be scored at the end, the same for all: N is what the shortest run trains on. */
int64_t ur_budget_validation(const ur_work *w, int64_t N);
int64_t ur_budget_heldout(const ur_work *w, int64_t N);
/* Seconds of a run's validations and of scoring it at the end. */
double ur_budget_scoring(const ur_rate *rate, const ur_work *w, int64_t N);
/* Seconds for measuring one contender, whose runs take so many seconds each. */
double ur_budget_measuring(const ur_work *w, double seconds);
/* Seconds that everything takes when each run of contender i trains for seconds[i]. */
double ur_budget_cost(int n, const ur_rate *rate, const ur_work *w, const double *seconds);
/* The most seconds for each run whose cost is at most `total`; 0: there are none. */
double ur_budget_each(int n, const ur_rate *rate, const ur_work *w, double total);
/* Tokens an optimiser step should have, a power of two: a run of N tokens has about two thousand steps where that
 * leaves a step of 1,024 to 16,384. */
int ur_budget_step(int64_t N);
/* Tokens a window should have. Of few tokens more is learnt in short windows, of which a step holds more. */
int ur_budget_window(int64_t N);
/* A guess, before any speed was measured, at the N that one of n runs can be trained on in so many seconds for all. */
int64_t ur_budget_guess(int n, double seconds, double peak_flops, int64_t parameters);
/* Parameters that n runs in so many seconds can train usefully, to two digits: about ten tokens a parameter, 6
 * operations a parameter and token, at a fifth of the processor's peak. */
int64_t ur_budget_parameters(int n, double seconds, double peak_flops);

#endif
