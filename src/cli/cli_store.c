/* Opening the store of runs, and what is written into it about this machine. */
#include "cli/cli_store.h"

#include "base/machine.h"

int ur_find_store(const ur_args *args, const char *path, char found[UR_STORE_PATH])
{
	ur_err err = { 0 };
	ur_status status;

	if (!path)
		return (status = ur_store_path(found, &err)) ? ur_failed(args, status, &err) : UR_EXIT_OK;
	if (snprintf(found, UR_STORE_PATH, "%s", path) >= UR_STORE_PATH)
		return ur_wrong(args, "--store: the path is too long");
	return UR_EXIT_OK;
}

int ur_open_store(const ur_args *args, const char *path, ur_store_mode mode, ur_store **store)
{
	char found[UR_STORE_PATH];
	ur_err err = { 0 };
	ur_status status;
	int code = ur_find_store(args, path, found);

	*store = NULL;
	if (code)
		return code;
	return (status = ur_store_open(found, mode, store, &err)) ? ur_failed(args, status, &err) : UR_EXIT_OK;
}

const char *ur_machine_text(const ur_ctx *ctx, char *out, size_t room)
{
	char cpu[128];

	ur_cpu_name(cpu, sizeof cpu);
	(void)snprintf(out, room, "%s, %d thread%s, %s kernels", cpu, ctx->threads, ctx->threads == 1 ? "" : "s",
	               ctx->k->name);
	return out;
}
