/* Depths of floats in memory, for count.c: a map from pages of 1,024 floats to a depth each, and to when they were
 * touched last. */
#ifndef UR_DEPTHS_H
#define UR_DEPTHS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ur_depths ur_depths;

ur_depths *ur_depths_open(void);        /* NULL: no memory */
void ur_depths_close(ur_depths *d);
void ur_depths_clear(ur_depths *d);
/* n floats from `at` have this depth. */
void ur_depths_set(ur_depths *d, const void *at, int64_t n, int32_t depth);
/* The deepest of n floats from `at`, at least 0; *unknown grows by those that were never set. */
int32_t ur_depths_most(ur_depths *d, const void *at, int64_t n, int64_t *unknown);
/* How long ago: n floats from `at` are touched when `now` bytes have been touched in all. far[i] grows by the bytes of
 * those whose page was touched less than ur_far[i] bytes ago (and not less than ur_far[i - 1]), *first by the bytes of
 * pages that are touched for the first time. */
enum { UR_FARS = 7 };
extern const double ur_far[UR_FARS];            /* the last one: any number */
void ur_depths_touch(ur_depths *d, const void *at, int64_t n, double now, float far[UR_FARS], float *first);
int ur_depths_failed(const ur_depths *d);       /* there was no memory for a page */

#endif
