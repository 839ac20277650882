/* Intervals that many rooms report. */
#ifndef UR_INTERVAL_H
#define UR_INTERVAL_H

#include <stdint.h>

/* A share k of n >= 1 with its 95 % interval (Wilson 1927). */
void ur_wilson(int64_t k, int64_t n, double *low, double *high);

/* The mean of n values from their sum and the sum of their squares, with its 95 % interval by the normal distribution:
 * for hundreds of values. n 1: low and high are NaN. */
typedef struct ur_average { double mean, low, high; } ur_average;
ur_average ur_average_of(int64_t n, double sum, double squares);

#endif
