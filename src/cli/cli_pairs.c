/* Opening pairs, each failure said in words. */
#include "cli/cli_pairs.h"

#include "base/file.h"
#include "base/machine.h"

#include <unistd.h>

struct reading { const char *path; double started, shown; int width; };

static int on_progress(void *arg, int64_t done, int64_t total)
{
	struct reading *r = arg;
	double now = ur_clock();
	char name[40];

	if (r->width && now - r->started > 0.5 && now - r->shown > 0.1 && total > 0) {
		r->shown = now;
		(void)fprintf(stderr, "\r\033[Kreading %s: %d %%", ur_visible(ur_path_tail(r->path), name, sizeof name),
		              (int)(100 * (double)done / (double)total));
	}
	return ur_stop_signal() != 0;
}

int ur_open_pairs(const ur_args *args, const ur_pairs_request *request, int quiet, ur_pairs **pairs)
{
	struct reading r = { request->path, ur_clock(), 0, quiet ? 0 : ur_terminal_width(STDERR_FILENO) };
	ur_pairs_request asked = *request;
	ur_err err = { 0 };
	ur_status status;

	asked.progress = on_progress;
	asked.progress_arg = &r;
	status = ur_pairs_open(&asked, pairs, &err);
	if (r.shown > 0)
		(void)fprintf(stderr, "\r\033[K");
	return status ? ur_failed(args, status, &err) : UR_EXIT_OK;
}

void ur_use_vocabs(const ur_model *m, ur_pairs_request *request)
{
	request->use[UR_SOURCE] = m->source;
	request->use[UR_TARGET] = m->vocab;
}

int ur_read_pair_vocabs(const ur_args *args, const ur_vocab_request *target, const char *source, int64_t least,
                        ur_pairs_request *request)
{
	request->vocab[UR_SOURCE] = request->vocab[UR_TARGET] = *target;
	return source ? ur_read_vocab(args, source, 0, least, &request->vocab[UR_SOURCE]) : UR_EXIT_OK;
}
