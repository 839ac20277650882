/* What unroll_open_with is asked for beyond the file. */
#ifndef UR_OPTIONS_H
#define UR_OPTIONS_H

#include "model/model.h"

/* The caller's options, zero where they are NULL or of an older header that ends earlier. UR_E_INVALID: no size, or
 * something set that this version does not know. */
ur_status ur_options_read(const unroll_options *given, unroll_options *options, ur_err *err);
/* Another context or window for a model that no stream is of yet: neither touches a weight. UR_E_INVALID: this model
 * cannot have it. */
ur_status ur_options_reach(const unroll_options *options, ur_model *m, ur_err *err);

/* The value of the window of the model's attention; 0: it has none. */
int64_t ur_model_window(const ur_model *m);

#endif
