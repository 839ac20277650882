/* The statistics of comparisons: plain functions of numbers, each tested on numbers with known answers. */
#ifndef UR_STATISTICS_H
#define UR_STATISTICS_H

#include <stdint.h>

/* A mean with its 95 % interval (Student's t). One value: low and high are NaN. None: all NaN. */
typedef struct ur_mean { int n; double mean, error, low, high; } ur_mean;
ur_mean ur_mean_of(int n, const double *x);

/* P(|t| >= x) of Student's t with `freedom` >= 1 degrees (two-sided), to 1e-10; and the value whose two-sided tail is
 * `tail` in (0, 1). NaN in, NaN out. Source of the maths in the file. */
double ur_student_tail(double x, int freedom);
double ur_student_quantile(double tail, int freedom);

/* Paired differences a[i] - b[i]: their mean with interval, and the two-sided p of "no difference". Fewer than two
 * pairs: p NaN. All differences equal: p is 1 where they are 0, else 0. */
typedef struct ur_paired { ur_mean difference; double p; } ur_paired;
ur_paired ur_paired_test(int n, const double *a, const double *b);

/* Holm's step-down adjustment (1979) of n p-values in place; NaNs are left out of the family and stay NaN. */
void ur_holm(int n, double *p);

/* y = c x^e through points with x, y > 0, by least squares on the logarithms; the exponent with its 95 % interval.
 * Points that are not above 0 or not finite are left out; n is how many were used. n < 2: NaN; n == 2: no interval. */
typedef struct ur_power { int n; double exponent, low, high, factor, from, to; } ur_power;
ur_power ur_power_fit(int n, const double *x, const double *y);

/* The x where b becomes cheaper than a (their curves, given at the same n rising x, straight in log-log between them),
 * from the median of `repeats` measurements at each x: a[i * repeats + r], at most UR_CROSS_REPEATS. Measurements that
 * are not above 0 or not finite are left out, and so is an x where either curve has none. */
enum { UR_CROSS_REPEATS = 32 };
typedef enum ur_cross_kind {
	UR_CROSS_NONE_A,    /* a is cheaper at every x measured */
	UR_CROSS_NONE_B,
	UR_CROSS_AT,        /* they cross, once */
	UR_CROSS_OFTEN,     /* more than once: at is the last crossing */
	UR_CROSS_UNKNOWN    /* nothing to compare, or no difference anywhere */
} ur_cross_kind;
typedef struct ur_cross {
	ur_cross_kind kind;
	double at, low, high;   /* low and high: the 2.5 % and 97.5 % points of crossings of 1,000 bootstrap resamples of
	                         * the repeats at each x (a fixed seed); NaN where fewer than 95 % of them cross */
	int first;              /* who is cheaper just before `at` (never: everywhere): 0 a, 1 b */
} ur_cross;
ur_cross ur_crossover(int n, int repeats, const double *x, const double *a, const double *b);

#endif
