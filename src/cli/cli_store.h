/* The store of runs, as commands have it. */
#ifndef UR_CLI_STORE_H
#define UR_CLI_STORE_H

#include "cli/cli.h"

#include "store/store.h"

/* type has a member `const char *store`. */
#define UR_OPT_STORE(type) \
	{ .name = "store", .kind = UR_OPT_TEXT, .at = offsetof(type, store), .arg = "FILE", \
	  .otherwise = "$UNROLL_STORE or ~/.local/share/unroll/runs.db", .help = "the store of runs" }

/* Each returns 0, or the exit code once it has complained. `path` NULL: where the store is by default. */
int ur_find_store(const ur_args *args, const char *path, char found[UR_STORE_PATH]);
int ur_open_store(const ur_args *args, const char *path, ur_store_mode mode, ur_store **store);
/* "AMD EPYC 9B45, 2 threads, avx2 kernels"; returns out. */
const char *ur_machine_text(const ur_ctx *ctx, char *out, size_t room);

#endif
