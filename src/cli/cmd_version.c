/* unroll version: which program this is and what it found to run on. */
#include "cli/cli.h"

#include "base/machine.h"

#include <stdlib.h>

struct values { int json; };

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	const ur_kernels *best = ur_kernels_pick(NULL), *set;
	int64_t memory = ur_memory_free();
	char cpu[128];
	ur_short size;
	int usable;

	ur_cpu_name(cpu, sizeof cpu);
	if (v->json) {
		json_t *sets = json_array();
		for (int i = 0; (set = ur_kernels_nth(i, &usable)); i++)
			if (usable)
				json_array_append_new(sets, json_string(set->name));
		return ur_print_json(args, json_pack("{s:s, s:o, s:i, s:o, s:s?, s:o}", "version", UNROLL_VERSION,
			"processor", ur_json_string(cpu), "processors", ur_cpu_count(),
			"memory_free", memory < 0 ? json_null() : json_integer(memory),
			"kernels", best ? best->name : NULL, "kernels_usable", sets));
	}
	printf("unroll %s\n", UNROLL_VERSION);
	printf("processor  %s, %d usable\n", cpu, ur_cpu_count());
	printf("kernels    %s, of:", best ? best->name : "none (UNROLL_CPU names no usable set)");
	for (int i = 0; (set = ur_kernels_nth(i, &usable)); i++)
		if (usable)
			printf(" %s", set->name);
	printf("\nmemory     %s free\n", memory < 0 ? "an unknown amount" : ur_size_text((double)memory, size));
	return UR_EXIT_OK;
}

static const ur_opt options[] = {
	UR_OPT_JSON(struct values),
	{ .name = NULL }
};

const ur_command ur_command_version = {
	.usage = "[--json]",
	.examples = "unroll version\nunroll --version",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
