/* The parts of the recommendation. */
#ifndef UR_RECOMMEND_H
#define UR_RECOMMEND_H

#include "compare/compare.h"

void ur_tell(ur_advice *a, const char *format, ...) UR_PRINTF(2, 3);
ur_by_need *ur_add_need(ur_advice *a, const char *need, int who);

/* -- of pairs (recommend_pairs.c) -- */

/* What becomes of long sources, without and with attention. */
void ur_advise_bottleneck(const ur_comparison *c, ur_advice *a);
/* The need "long sources". */
void ur_advise_long_sources(const ur_comparison *c, ur_advice *a);

#endif
