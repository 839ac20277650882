/* Parts of a corpus, by position: the first tokens train, the next validate, the last test. */
#ifndef UR_SPLIT_H
#define UR_SPLIT_H

#include "base/status.h"

typedef enum ur_part_of { UR_TRAIN, UR_VAL, UR_TEST, UR_PARTS } ur_part_of;

/* Token ranges [from, to), one behind the other; an empty one is a part there is none of. */
typedef struct ur_split {
	int64_t train_from, train_to, val_from, val_to, test_from, test_to;
} ur_split;

/* nanoGPT's: n_train = (int)(n * 0.9), the rest validates. */
#define UR_SPLIT_TRAIN 0.9
#define UR_SPLIT_VAL 0.1

/* n tokens. train, val: fractions, train above 0, together at most 1; what they leave tests. Borders are rounded
 * down, and the last part that is not zero ends at n. UR_E_INVALID: no such fractions. */
ur_status ur_split_make(int64_t n, double train, double val, ur_split *split, ur_err *err);

#endif
