/* Splits by position, so that no part has seen the text that follows it. */
#include "data/split.h"

ur_status ur_split_make(int64_t n, double train, double val, ur_split *split, ur_err *err)
{
	const double slack = 1e-9; /* 0.7 + 0.3 is not 1 in binary */
	int64_t a, b;

	if (!(train > 0) || !(val >= 0) || !(train + val <= 1 + slack))
		return ur_fail(err, UR_E_INVALID, "a split of %g for training and %g for validation: training must be above 0, "
			"and both together at most 1", train, val);
	a = train >= 1 - slack ? n : (int64_t)((double)n * train);
	b = train + val >= 1 - slack ? n : (int64_t)((double)n * (train + val));
	*split = (ur_split){ 0, a, a, b, b, n };
	return UR_OK;
}
