/* Opening what commands work on, each failure said in words. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/machine.h"
#include "data/split.h"

#include <stdlib.h>
#include <unistd.h>

int ur_open_kernels(const ur_args *args, const ur_kernels **k)
{
	char list[200] = "", shown[64];
	const char *level = getenv("UNROLL_CPU");
	const ur_kernels *set;
	int usable;

	if ((*k = ur_kernels_pick(NULL)))
		return UR_EXIT_OK;
	for (int i = 0; (set = ur_kernels_nth(i, &usable)); i++)
		if (usable)
			(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list ? ", " : "", set->name);
	ur_visible(level ? level : "", shown, sizeof shown);
	ur_complain(args, "UNROLL_CPU is '%s'; this processor can run: %s", shown, list);
	return UR_EXIT_USAGE;
}

int ur_open_context(const ur_args *args, int64_t threads, ur_ctx *ctx)
{
	const ur_kernels *k;
	int code = ur_open_kernels(args, &k);

	if (code)
		return code;
	if (ur_ctx_open(ctx, NULL, (int)threads))
		return UR_EXIT_OK;
	ur_complain(args, "no memory, or not enough threads: try a smaller --threads");
	return UR_EXIT_FAILED;
}

int ur_open_model(const ur_args *args, const char *path, const ur_kernels *k, ur_model **model)
{
	return ur_open_model_as(args, path, k, UNROLL_AS_STORED, model);
}

int ur_open_text_model(const ur_args *args, const char *path, const ur_kernels *k, ur_model **model)
{
	return ur_open_text_model_as(args, path, k, UNROLL_AS_STORED, model);
}

int ur_open_model_as(const ur_args *args, const char *path, const ur_kernels *k, unroll_weights weights,
                     ur_model **model)
{
	ur_err err = { 0 };
	ur_status status = ur_model_load_as(path, k, weights, model, &err);

	return status ? ur_failed(args, status, &err) : UR_EXIT_OK;
}

int ur_open_text_model_as(const ur_args *args, const char *path, const ur_kernels *k, unroll_weights weights,
                          ur_model **model)
{
	char name[100];
	int code = ur_open_model_as(args, path, k, weights, model);

	if (code || ((*model)->vocab && (!(*model)->spec.pair || (*model)->source)))
		return code;
	ur_visible(ur_path_tail(path), name, sizeof name);
	ur_complain(args, "%s has no vocabulary: it reads %s, not text", name, (*model)->ports ? "values" : "tokens");
	ur_model_free(*model);
	*model = NULL;
	return UR_EXIT_USAGE;
}

int ur_part_range(const ur_args *args, const ur_corpus *corpus, const char *part, double val, double test,
                  int64_t *from, int64_t *to)
{
	ur_split split;
	ur_err err = { 0 };
	ur_status status;
	ur_short some, all;

	*from = 0;
	*to = ur_corpus_tokens(corpus);
	if (!strcmp(part, "all"))
		return UR_EXIT_OK;
	if ((status = ur_split_make(*to, 1 - val - test, val, &split, &err)))
		return ur_failed(args, status, &err);
	if (!strcmp(part, "train")) {
		*from = split.train_from;
		*to = split.train_to;
	} else if (!strcmp(part, "val")) {
		*from = split.val_from;
		*to = split.val_to;
	} else {
		*from = split.test_from;
		*to = split.test_to;
	}
	if (*to - *from >= 2)
		return UR_EXIT_OK;
	return ur_wrong(args, "the %s part has %s of the text's %s tokens: too few; try --part all, or another --val or "
	                "--test", part, ur_commas(*to - *from, some), ur_commas(ur_corpus_tokens(corpus), all));
}

ur_reading ur_reading_start(const char *path, int quiet)
{
	return (ur_reading){ path, ur_clock(), 0, quiet ? 0 : ur_terminal_width(STDERR_FILENO) };
}

int ur_reading_progress(void *arg, int64_t done, int64_t total)
{
	ur_reading *r = arg;
	double now = ur_clock();
	char name[40];

	/* short work is not worth a line */
	if (r->width && now - r->started > 0.5 && now - r->shown > 0.1 && total > 0) {
		r->shown = now;
		(void)fprintf(stderr, "\r\033[Kreading %s: %d %%", ur_visible(ur_path_tail(r->path), name, sizeof name),
		              (int)(100 * (double)done / (double)total));
	}
	return ur_stop_signal() != 0;
}

void ur_reading_end(const ur_reading *r)
{
	if (r->shown > 0)
		(void)fprintf(stderr, "\r\033[K");
}

ur_status ur_try_corpus(const ur_corpus_request *request, int quiet, ur_corpus **corpus, ur_err *err)
{
	ur_reading r = ur_reading_start(request->path, quiet);
	ur_corpus_request asked = *request;
	ur_status status;

	asked.progress = ur_reading_progress;
	asked.progress_arg = &r;
	status = ur_corpus_open(&asked, corpus, err);
	ur_reading_end(&r);
	return status;
}

int ur_open_corpus(const ur_args *args, const ur_corpus_request *request, int quiet, ur_corpus **corpus)
{
	ur_err err = { 0 };
	ur_status status = ur_try_corpus(request, quiet, corpus, &err);

	return status ? ur_failed(args, status, &err) : UR_EXIT_OK;
}

int ur_read_vocab(const ur_args *args, const char *vocab, int64_t size, int64_t min_count, ur_vocab_request *request)
{
	ur_err err = { 0 };

	*request = (ur_vocab_request){ 0 };
	if (!vocab && size)
		return ur_wrong(args, "--vocab-size goes with --vocab word or bpe");
	if (!vocab && min_count > 1)
		return ur_wrong(args, "--vocab-min-count goes with --vocab word or char");
	if (!vocab)
		return UR_EXIT_OK;
	if (ur_vocab_request_parse(vocab, request, &err))
		return ur_wrong(args, "--vocab: %s", err.text);
	if (size && request->cap)
		return ur_wrong(args, "--vocab %s and --vocab-size: give one of them", vocab);
	if (size)
		request->cap = size;
	request->least = min_count > 1 ? min_count : 0;
	if (ur_vocab_request_check(request, &err))
		return ur_wrong(args, "--vocab %s: %s", vocab, err.text);
	return UR_EXIT_OK;
}

int ur_open_any_corpus(const ur_args *args, const ur_corpus_request *request, int quiet, ur_corpus **corpus,
                       ur_note note)
{
	ur_corpus_request ask = *request;
	ur_err err = { 0 };
	ur_status status;
	ur_short characters;

	note[0] = 0;
	if (ask.vocab || ask.use)
		return ur_open_corpus(args, &ask, quiet, corpus);
	ask.vocab = "char";
	status = ur_try_corpus(&ask, quiet, corpus, &err);
	if (status && status != UR_E_INVALID)
		return ur_failed(args, status, &err);
	if (!status && ur_vocab_size(ur_corpus_vocab(*corpus)) <= UR_MOST_CHARACTERS)
		return UR_EXIT_OK;
	if (status)
		(void)snprintf(note, sizeof(ur_note), "the text is not valid UTF-8");
	else
		(void)snprintf(note, sizeof(ur_note), "the text has %s different characters; --vocab char would take them all",
		               ur_commas(ur_vocab_size(ur_corpus_vocab(*corpus)), characters));
	ur_corpus_close(*corpus);
	ask.vocab = "byte";
	return ur_open_corpus(args, &ask, quiet, corpus);
}
