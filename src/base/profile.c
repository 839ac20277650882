/* Profile: names and sums. */
#include "base/profile.h"

#include "base/machine.h"

static const char *const names[] = {
#define X(id, name, about) name,
	UR_OPS(X)
#undef X
};

static const char *const abouts[] = {
#define X(id, name, about) about,
	UR_OPS(X)
#undef X
};

const char *ur_op_name(ur_op op) { return names[op]; }
const char *ur_op_about(ur_op op) { return abouts[op]; }

double ur_profile_start(const ur_profile *p) { return p ? ur_clock() : 0; }

void ur_profile_end(ur_profile *p, ur_op op, double start, double flops, double bytes)
{
	if (!p)
		return;
	p->seconds[op] += ur_clock() - start;
	p->flops[op] += flops;
	p->bytes[op] += bytes;
	p->calls[op]++;
}
