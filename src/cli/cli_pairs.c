/* Opening pairs, each failure said in words. */
#include "cli/cli_pairs.h"

int ur_open_pairs(const ur_args *args, const ur_pairs_request *request, int quiet, ur_pairs **pairs)
{
	ur_reading r = ur_reading_start(request->path, quiet);
	ur_pairs_request asked = *request;
	ur_err err = { 0 };
	ur_status status;

	asked.progress = ur_reading_progress;
	asked.progress_arg = &r;
	status = ur_pairs_open(&asked, pairs, &err);
	ur_reading_end(&r);
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
	ur_vocab_request *of_source = &request->vocab[UR_SOURCE];
	ur_err err = { 0 };

	request->vocab[UR_SOURCE] = request->vocab[UR_TARGET] = *target;
	if (!source)
		return UR_EXIT_OK;
	*of_source = (ur_vocab_request){ .least = least > 1 ? least : 0 };
	if (ur_vocab_request_parse(source, of_source, &err))
		return ur_wrong(args, "--source-vocab: %s", err.text);
	if (ur_vocab_request_check(of_source, &err))
		return ur_wrong(args, "--source-vocab %s: %s", source, err.text);
	return UR_EXIT_OK;
}
