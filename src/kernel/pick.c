/* Which kernels run: the best set this processor has, or the one asked for. */
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>

extern const ur_kernels ur_kernels_c;
#if defined(UR_X86)
extern const ur_kernels ur_kernels_avx2, ur_kernels_avx512, ur_kernels_avx512vnni;
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
static int has_avx512vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
#elif !defined(UR_C_ONLY)
extern const ur_kernels ur_kernels_simd128;
#endif
static int always(void) { return 1; }

static const struct {
	const ur_kernels *set;
	int (*usable)(void);
} sets[] = {
	{ &ur_kernels_c, always },
#if defined(UR_X86)
	{ &ur_kernels_avx2, has_avx2 },
	{ &ur_kernels_avx512, has_avx512 },
	{ &ur_kernels_avx512vnni, has_avx512vnni },
#elif !defined(UR_C_ONLY)
	{ &ur_kernels_simd128, always },
#endif
};
enum { SETS = sizeof sets / sizeof *sets };

const ur_kernels *ur_kernels_nth(int n, int *usable)
{
	if (n < 0 || n >= SETS)
		return NULL;
	*usable = sets[n].usable();
	return sets[n].set;
}

const ur_kernels *ur_kernels_pick(const char *level)
{
	if (!level)
		level = getenv("UNROLL_CPU");
	for (int i = SETS; i-- > 0;)
		if ((!level || !*level || !strcmp(level, sets[i].set->name)) && sets[i].usable())
			return sets[i].set;
	return NULL;
}
