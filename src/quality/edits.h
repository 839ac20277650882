/* Edit distance (Levenshtein 1966), as word and phoneme error rates count it. */
#ifndef UR_EDITS_H
#define UR_EDITS_H

#include <stddef.h>
#include <stdint.h>

/* The least number of insertions, deletions and substitutions from a[n] to b[m]. -1: no memory. */
int64_t ur_edits(int64_t n, const int32_t *a, int64_t m, const int32_t *b);
/* The same between the blank-separated words of two texts; *words (may be NULL): how many the reference has.
 * -1: no memory. */
int64_t ur_word_edits(const char *hypothesis, size_t hypothesis_bytes, const char *reference, size_t reference_bytes,
                      int64_t *words);

#endif
