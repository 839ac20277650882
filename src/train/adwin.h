/* ADWIN: has the mean of a stream changed? (Bifet and Gavalda, "Learning from time-changing data with adaptive
 * windowing", SDM 2007; their ADWIN2 in the form of MOA and river.)
 *
 * It keeps as many of the last values as show no change: whenever the mean of the older part of them and that of the
 * newer part differ by more than
 *
 *     eps = sqrt(2 m v d) + 2/3 m d,   d = ln(2 ln(n) / delta),   m = 1 / (n0 - 4) + 1 / (n1 - 4),
 *
 * v their variance, for any cut into n0 >= 5 older and n1 >= 5 newer ones, the oldest are dropped. The values lie in an
 * exponential histogram: at most 5 buckets each of 1, 2, 4, ... values, of which only sum and spread are kept, so
 * memory is O(log n). Cuts are looked for at every 32nd value. Values are in [0, 1]; any other is passed over.
 *
 * A window that was just cut may be cut again at the next looks, for the same change: who wants each change told once
 * starts anew after it, as river does. */
#ifndef UR_ADWIN_H
#define UR_ADWIN_H

#include <stdint.h>

enum { UR_ADWIN_BUCKETS = 5, UR_ADWIN_ROWS = 48, UR_ADWIN_CLOCK = 32, UR_ADWIN_LEAST = 5 };

typedef enum ur_change { UR_STEADY, UR_ROSE, UR_FELL } ur_change;

/* Of fixed size, no pointers. */
typedef struct ur_adwin {
	double delta;                   /* in (0, 1): how readily it sees a change where there is none */
	int64_t seen, width;            /* values ever; values in the window */
	double sum, spread;             /* of the window: sum, and of squared differences from the mean */
	int64_t rows;                   /* row r has buckets of 2^r values, the oldest first */
	int64_t count[UR_ADWIN_ROWS];
	double bucket_sum[UR_ADWIN_ROWS][UR_ADWIN_BUCKETS + 1], bucket_spread[UR_ADWIN_ROWS][UR_ADWIN_BUCKETS + 1];
} ur_adwin;

void ur_adwin_start(ur_adwin *a, double delta);
/* Adds a value; whether the mean changed, and where to. */
ur_change ur_adwin_add(ur_adwin *a, double x);
/* Of the window; NaN: it is empty. */
double ur_adwin_mean(const ur_adwin *a);
/* Whether what was read from a file can be one. */
int ur_adwin_sane(const ur_adwin *a);

#endif
