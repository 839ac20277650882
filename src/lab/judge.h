/* Verdicts on measurements that have intervals: ratios beyond a threshold, exponents within limits. An interval on one
 * side decides; one that reaches over leaves it to the middle, which never makes a claim fail. */
#ifndef UR_JUDGE_H
#define UR_JUDGE_H

#include "compare/statistics.h"
#include "lab/section.h"

/* A value with its interval of 95 %, or, not being sure, with the least and the most of too few repeats. */
typedef struct ur_reach { double at, low, high; int repeats, sure; } ur_reach;

ur_reach ur_reach_over(ur_reach x, ur_reach y);
/* Whether a ratio is above a threshold (or below it). Too few repeats never make it certain: far beyond, it is under a
 * condition. Of an interval that reaches over the threshold the median decides between a condition and nothing. */
ur_found ur_judge_beyond(ur_reach r, double threshold, int above);

/* How something grows; not sure: a point of it had too few repeats. */
typedef struct ur_growth { ur_power of; int sure; } ur_growth;
enum { UR_GROWTH_POINTS = 32 };
/* Through at most UR_GROWTH_POINTS points, those that are above 0. The exponent's interval is the wider of what the
 * points' distances from the line allow and what their own intervals do, as errors that know nothing of each other. */
ur_growth ur_growth_fit(int n, const double *x, const ur_reach *y);
/* Whether an exponent of 3 points or more lies within [from, to] with its whole interval; if not that, but not wholly
 * outside either, the exponent itself decides between a condition and nothing. */
ur_found ur_judge_within(const ur_growth *g, double from, double to);

/* Of two things that must both be so: what fails fails, whatever else is not known. */
ur_found ur_judge_both(ur_found a, ur_found b);

#endif
