/* unroll train: checks everything that can be checked, says what will happen, trains, says what came of it. */
#define _GNU_SOURCE
#include "cli/cli_pairs.h"
#include "cli/cli_train.h"

#include "base/file.h"
#include "base/machine.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

struct values {
	const char *arch, *data, *out, *target, *val_data, *val_target, *source_vocab, *vocab, *from, *windows;
	const char *optimizer, *schedule, *store;
	int64_t vocab_size, vocab_min_count, steps, batch_size, seq_len, accumulate, warmup, decay_every, eval_every;
	int64_t eval_tokens, patience;
	int64_t seed, threads, checkpoint_every, context, chunk, memory;
	double epochs, lr, min_lr, beta1, beta2, momentum, weight_decay, decay, clip, smoothing, val, test;
	int resume, overwrite, profile, log_gradients, dry_run, json, quiet, no_store;
};

#define AT(member) offsetof(struct values, member)

/* Everything a run holds on to. */
typedef struct session {
	const ur_args *args;
	const struct values *v;
	ur_ctx ctx;
	ur_spec spec;
	ur_corpus *corpus;
	ur_task task;
	ur_pairs *pairs, *val_pairs;
	ur_pair_split split, val_split;
	ur_vocab_request vocab;
	ur_left left;
	ur_job job;
	ur_plan plan;
	ur_profile profile;
	ur_progress_line line;
	ur_looking looking;
	ur_record record;
	ur_note note;
} session;

/* ---- the model: from a spec, a file, or the checkpoint ---- */

static int choose_model(session *s)
{
	const struct values *v = s->v;
	const char *text = v->arch;
	ur_err err = { 0 };
	ur_status status;
	int code;

	if (v->from) {
		if ((code = ur_open_text_model_as(s->args, v->from, s->ctx.k, UNROLL_F32, &s->job.start)))
			return code;
		s->spec = s->job.start->spec;
		if (text && strcmp(text, s->spec.text))
			return ur_wrong(s->args, "--from has a model of %s, not of %s: leave out --arch", s->spec.text, text);
		if (v->vocab && strcmp(s->vocab.kind, ur_vocab_kind_of(s->job.start->vocab)))
			return ur_wrong(s->args, "--from has a model with a %s vocabulary: leave out --vocab",
			                ur_vocab_kind_of(s->job.start->vocab));
		if (v->source_vocab)
			return ur_wrong(s->args, "--from has a model with its own vocabularies: leave out --source-vocab");
	} else {
		if (!text)
			text = s->left.spec;
		if ((status = ur_spec_parse(text, &s->spec, &err))) {
			code = ur_failed(s->args, status, &err);
			(void)fprintf(stderr, "try: unroll help specs\n");
			return code;
		}
	}
	if (ur_given(s->args, AT(context))) {
		if (s->spec.pair)
			return ur_wrong(s->args, "--context is for models of one text; pairs have --seq-len and context= in the "
			                "spec");
		if (v->from && ur_spec_limit(&s->spec) && s->spec.context < v->context)
			return ur_wrong(s->args, "--from has a model of a context of %d: it cannot see %lld positions",
			                s->spec.context, (long long)v->context);
		if (!v->from && (status = ur_spec_recontext(&s->spec, (int)v->context, &s->spec, &err)))
			return ur_failed(s->args, status, &err);
	}
	s->job.spec = s->spec;
	s->plan.spec = &s->spec;
	return UR_EXIT_OK;
}

/* ---- what may be written ---- */

static int is_safetensors(const char *path)
{
	ur_safetensors *file;
	if (ur_safetensors_open(path, &file, NULL))
		return 0;
	ur_safetensors_close(file);
	return 1;
}

/* Before hours of training: the model file can be written, and nothing of value is written over. */
static int check_out(session *s)
{
	const struct values *v = s->v;
	struct stat out, data;
	ur_file *file;
	ur_err err = { 0 };
	ur_status status;
	char shown[300];
	ur_short a, b;

	if (!v->out)
		return v->dry_run ? UR_EXIT_OK : ur_wrong(s->args, "--out FILE is missing: where should the model go?");
	ur_visible(ur_path_tail(v->out), shown, sizeof shown);
	if (!stat(v->out, &out) && S_ISREG(out.st_mode)) {
		if (v->data && !stat(v->data, &data) && data.st_dev == out.st_dev && data.st_ino == out.st_ino)
			return ur_wrong(s->args, "--out %s is the data itself", shown);
		if (out.st_size > 0 && !is_safetensors(v->out))
			return ur_wrong(s->args, "--out %s exists and is no model: choose another name", shown);
	}
	if ((status = ur_file_begin(v->out, &file, &err)))
		return ur_failed(s->args, status, &err);
	ur_file_abandon(file);

	status = ur_left_read(v->out, &s->left, &err);
	if (v->overwrite) {
		ur_left_close(&s->left);
		return UR_EXIT_OK;
	}
	if (status)
		return ur_failed(s->args, status, &err);
	ur_visible(ur_path_tail(s->left.path), shown, sizeof shown);
	if (v->resume && !s->left.json) {
		ur_complain(s->args, "there is no checkpoint %s to resume from", shown);
		return UR_EXIT_FAILED;
	}
	if (!v->resume && s->left.json && s->left.step < s->left.steps && !s->left.done)
		return ur_wrong(s->args, "%s is of a run that stopped at step %s of %s: --resume goes on with it, --overwrite "
		                "begins anew", shown, ur_commas(s->left.step, a), ur_commas(s->left.steps, b));
	if (!v->resume)
		ur_left_close(&s->left);
	return UR_EXIT_OK;
}

/* ---- data ---- */

/* Pairs train and validate on parts of one file, or on two files; --test counts only in the first case. */
static int open_pairs(session *s)
{
	const struct values *v = s->v;
	ur_pairs_request ask = { .path = v->data, .target = v->target };
	ur_words left = { 0 };
	ur_err err = { 0 };
	ur_status status;
	int code;

	if ((code = ur_read_pair_vocabs(s->args, &s->vocab, v->source_vocab, v->vocab_min_count, &ask)))
		return code;
	if (s->left.json && !v->vocab && !v->source_vocab && !v->from)
		ur_left_words(&s->left, v->out, &left);
	ask.use[UR_SOURCE] = left.source;
	ask.use[UR_TARGET] = left.vocab;
	if (s->job.start)
		ur_use_vocabs(s->job.start, &ask);
	code = ur_open_pairs(s->args, &ask, v->quiet, &s->pairs);
	ur_words_free(&left);
	if (code)
		return code;
	s->job.pairs = s->pairs;
	s->job.pair_split = &s->split;
	if ((status = ur_pair_split_make(s->pairs, v->val_data ? 0 : v->val, v->val_data ? 0 : v->test, 0, &s->split, NULL,
	                                 &err)))
		return ur_failed(s->args, status, &err);
	if (!v->val_data)
		return UR_EXIT_OK;
	ask = (ur_pairs_request){ .path = v->val_data, .target = v->val_target,
		.use = { ur_pairs_vocab(s->pairs, UR_SOURCE), ur_pairs_vocab(s->pairs, UR_TARGET) } };
	if ((code = ur_open_pairs(s->args, &ask, v->quiet, &s->val_pairs)))
		return code;
	if ((status = ur_pair_split_all(s->val_pairs, UR_VAL, &s->val_split, &err)))
		return ur_failed(s->args, status, &err);
	s->job.val_pairs = s->val_pairs;
	s->job.val_split = &s->val_split;
	return UR_EXIT_OK;
}

static int open_data(session *s)
{
	const struct values *v = s->v;
	ur_words left = { 0 };
	ur_corpus_request ask = { .path = v->data, .vocab = s->vocab.kind, .vocab_size = s->vocab.cap,
	                          .vocab_least = s->vocab.least };
	int code;

	if (s->left.json && !v->vocab && !v->from)
		ur_left_words(&s->left, v->out, &left);
	ask.use = s->job.start ? s->job.start->vocab : left.vocab;
	s->plan.note = s->note;
	code = ur_open_any_corpus(s->args, &ask, v->quiet, &s->corpus, s->note);
	ur_words_free(&left);
	return code;
}

/* A task's sequences are what they are: nothing of them is left to choose. */
static int open_task(session *s)
{
	static const struct { size_t at; const char *name; } none[] = {
		{ AT(target), "--target" }, { AT(val_data), "--val-data" }, { AT(val_target), "--val-target" },
		{ AT(source_vocab), "--source-vocab" }, { AT(vocab), "--vocab" }, { AT(vocab_size), "--vocab-size" },
		{ AT(vocab_min_count), "--vocab-min-count" }, { AT(val), "--val" }, { AT(test), "--test" },
		{ AT(seq_len), "--seq-len" }, { AT(windows), "--windows" }, { AT(epochs), "--epochs" },
	};
	ur_err err = { 0 };
	ur_status status;

	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (ur_given(s->args, none[i].at))
			return ur_wrong(s->args, "%s is not for tasks: their sequences have their own length and characters, and "
			                "every one is new", none[i].name);
	if ((status = ur_task_parse(s->v->data, &s->task, &err))) {
		const int code = ur_failed(s->args, status, &err);
		(void)fprintf(stderr, "try: unroll help tasks\n");
		return code;
	}
	s->job.task = &s->task;
	s->plan.note = s->note;
	return UR_EXIT_OK;
}

/* ---- settings ---- */

static int settings(session *s)
{
	const struct values *v = s->v;
	ur_recipe *r = &s->job.recipe;
	ur_batches batches;
	ur_batch_mode mode;
	ur_err err = { 0 };
	ur_status status;

	ur_recipe_defaults(r, &s->spec);
	if (s->left.json && (status = ur_left_recipe(&s->left, r, &err)))
		return ur_failed(s->args, status, &err);
#define TAKE(member, field) \
	if (ur_given(s->args, AT(field))) \
		r->member = (__typeof__(r->member))v->field
	TAKE(steps, steps);
	TAKE(batch, batch_size);
	TAKE(chunk, chunk);
	TAKE(window, context);
	TAKE(window, seq_len);
	TAKE(accumulate, accumulate);
	TAKE(windows, windows);
	TAKE(optimizer, optimizer);
	TAKE(lr, lr);
	TAKE(min_lr, min_lr);
	TAKE(beta1, beta1);
	TAKE(beta2, beta2);
	TAKE(momentum, momentum);
	TAKE(weight_decay, weight_decay);
	TAKE(schedule, schedule);
	TAKE(warmup, warmup);
	TAKE(decay, decay);
	TAKE(decay_every, decay_every);
	TAKE(clip, clip);
	TAKE(smoothing, smoothing);
	TAKE(eval_every, eval_every);
	TAKE(eval_tokens, eval_tokens);
	TAKE(patience, patience);
	TAKE(seed, seed);
#undef TAKE
	if (s->job.task)
		ur_job_settle(&s->job, r);
	if ((status = ur_job_check(&s->job, r, &err)))
		return ur_failed(s->args, status, &err);
	if (v->epochs > 0 && s->pairs) {
		const double in_all = ceil((double)ur_job_count_pairs(&s->job).train / r->batch);
		r->steps = (int64_t)fmax(1, ceil(v->epochs * in_all / r->accumulate - 1e-9));
	} else if (v->epochs > 0) {
		double steps;
		if ((status = ur_batch_mode_find(r->windows, &mode, &err)) ||
		    (status = ur_batches_init(&batches, s->corpus, s->job.split.train_from, s->job.split.train_to, r->window,
		                              r->batch, mode, r->seed, &err)))
			return ur_failed(s->args, status, &err);
		steps = ceil(v->epochs * (double)ur_batches_count(&batches) / r->accumulate - 1e-9);
		r->steps = steps < 1 ? 1 : (int64_t)steps;
	}
	/* a short run must not spend all its steps warming up */
	if (!s->left.json && !ur_given(s->args, AT(warmup)) && r->warmup > r->steps / 10)
		r->warmup = r->steps / 10;
	return UR_EXIT_OK;
}

/* ---- planning ---- */

static int make_plan(session *s)
{
	const struct values *v = s->v;
	const ur_split *split = &s->job.split;
	const ur_recipe *r = &s->job.recipe;
	ur_plan *p = &s->plan;
	const int context = ur_given(s->args, AT(context)), chunk = ur_given(s->args, AT(chunk));
	const ur_plan_ask ask = { .memory = v->memory, .chunk_set = chunk || s->left.json,
	                          .in_parts = context || chunk || v->memory };
	int code;

	p->data = v->data;
	if ((code = ur_plan_memory(s->args, &ask, &s->job, p)))
		return code;
	p->validates = s->job.task ? 1 : s->pairs ? ur_job_count_pairs(&s->job).val > 0
	                        : !ur_batches_check(split->val_to - split->val_from, r->window, r->batch,
	                                            UR_BATCH_SEQUENTIAL, NULL);
	return UR_EXIT_OK;
}

static void on_gradients(void *arg, const ur_step_report *now, const ur_reach *r);

static int prepare(session *s)
{
	const struct values *v = s->v;
	const double train = 1 - v->val - v->test;
	ur_err err = { 0 };
	ur_status status;
	const int task = ur_task_named(v->data);
	int code;

	if ((code = check_out(s)) || (code = choose_model(s)))
		return code;
	if (!task && !s->spec.pair && (v->target || v->val_data || v->val_target || v->source_vocab))
		return ur_wrong(s->args, "--target, --val-data, --val-target and --source-vocab are for pairs: give an --arch "
		                "like seq2seq:lstm:2x256");
	if (v->val_target && !v->val_data)
		return ur_wrong(s->args, "--val-target needs --val-data: the sources that these are the targets of");
	if ((code = task ? open_task(s) : s->spec.pair ? open_pairs(s) : open_data(s)))
		return code;
	if (s->corpus && (status = ur_split_make(ur_corpus_tokens(s->corpus), train, v->val, &s->job.split, &err)))
		return ur_failed(s->args, status, &err);
	s->job.corpus = s->corpus;
	s->job.ctx = &s->ctx;
	s->job.out = v->out;
	s->job.checkpoint_every = v->checkpoint_every;
	s->job.resume = v->resume;
	s->job.profile = v->profile ? &s->profile : NULL;
	s->job.gradients = v->log_gradients ? on_gradients : NULL; /* its memory is part of the plan */
	if ((code = settings(s)) || (code = make_plan(s)))
		return code;
	return UR_EXIT_OK;
}

/* ---- training ---- */

static const char *const own_words[] = { "--resume", "--overwrite", NULL };

/* Trouble with the store is said, and training goes on. */
static void not_recorded(session *s, ur_status status, const ur_err *err)
{
	if (!status)
		return;
	ur_progress_clear(&s->line);
	ur_complain(s->args, "the store of runs does not get all of this run: %s (--no-store goes without)", err->text);
}

static void start_record(session *s)
{
	char *typed = ur_command_line(s->args, "unroll", NULL, NULL);
	ur_err err = { 0 };

	not_recorded(s, ur_record_start(&s->record, s->v->store, &s->plan, typed, &err), &err);
	free(typed);
}

static int on_step(void *arg, const ur_step_report *r)
{
	session *s = arg;
	ur_err err = { 0 };

	not_recorded(s, ur_record_step(&s->record, r, &err), &err);
	return ur_progress_step(&s->line, r);
}

static void on_gradients(void *arg, const ur_step_report *now, const ur_reach *r)
{
	session *s = arg;
	json_t *json;

	s->looking.last = *r;
	s->looking.step = now->step;
	json = ur_reach_json(r);
	json_object_set_new(json, "step", json_integer(now->step));
	json_array_append_new(s->looking.json, json);
	ur_record_reach(&s->record, now, r);
	ur_progress_clear(&s->line);
	if (!s->v->quiet)
		ur_reach_print(stderr, r, now->step);
}

static int interrupted(const session *s)
{
	const ur_progress_line *line = &s->line;
	char *again = ur_command_line(s->args, NULL, own_words, "--resume");
	ur_short a, b;

	(void)fprintf(stderr, "stopped after step %s of %s", ur_commas(line->last.step, a), ur_commas(line->last.steps, b));
	if (!isnan(line->last.best_loss))
		(void)fprintf(stderr, "; the model file has the weights of step %s", ur_commas(line->last.best_step, a));
	(void)fprintf(stderr, ". To go on:\n  %s\n", again ? again : "the same command with --resume");
	free(again);
	return 128 + ur_stop_signal();
}

static int train(session *s)
{
	const struct values *v = s->v;
	char *command = ur_command_line(s->args, "unroll", own_words, NULL);
	ur_outcome outcome;
	ur_err err = { 0 }, unkept = { 0 };
	ur_status status;
	double start, seconds;
	json_t *json;

	ur_stop_catch("\nunroll train: stopping after this step, with a checkpoint (once more: at once)\n");
	ur_progress_start(&s->line, v->quiet);
	if (!v->no_store)
		start_record(s);
	s->job.report = on_step;
	if (v->log_gradients) {
		s->looking = (ur_looking){ .json = json_array(), .step = -1 };
		s->plan.looking = &s->looking;
	}
	s->job.arg = s;
	s->job.command = command;
	start = ur_clock();
	ur_peak_begin(&s->plan);
	status = ur_train(&s->job, NULL, &outcome, &err);
	ur_peak_end(&s->plan);
	seconds = ur_clock() - start;
	ur_progress_clear(&s->line);
	free(command);
	not_recorded(s, ur_record_end(&s->record, status, &outcome, &s->line.last, &unkept), &unkept);
	if (status == UR_E_STOPPED && ur_stop_signal())
		return interrupted(s);
	if (status)
		return ur_failed(s->args, status, &err);
	s->plan.run = s->record.run;
	if (v->json) {
		json = ur_result_json(&s->plan, &outcome);
		if (json && v->profile &&
		    json_object_set_new(json, "profile", ur_profile_json(&s->profile, &s->ctx, seconds))) {
			json_decref(json);
			json = NULL;
		}
		return ur_print_json(s->args, json);
	}
	ur_result_print(s->args, &s->plan, &outcome);
	if (v->profile)
		ur_profile_print(&s->profile, &s->ctx, seconds);
	return UR_EXIT_OK;
}

static int go(session *s)
{
	const struct values *v = s->v;
	int code = prepare(s);

	if (code)
		return code;
	if (!v->quiet)
		ur_plan_time(&s->plan);
	if (v->dry_run && v->json)
		ur_print_json(s->args, ur_plan_json(&s->plan));
	else if (v->dry_run || !v->quiet)
		ur_plan_print(v->dry_run ? stdout : stderr, &s->plan);
	if ((code = ur_plan_fits(s->args, &s->plan)) || v->dry_run)
		return code;
	if (ur_stop_signal())
		return 128 + ur_stop_signal();
	return train(s);
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	ur_vocab_request vocab;
	session *s;
	int code;

	if (!v->arch && !v->from && !v->resume)
		return ur_wrong(args, "--arch SPEC is missing, as in --arch lstm:2x256");
	if (ur_given(args, AT(steps)) && ur_given(args, AT(epochs)))
		return ur_wrong(args, "give --steps or --epochs, not both");
	if (v->resume && v->overwrite)
		return ur_wrong(args, "give --resume or --overwrite, not both");
	if (v->resume && !v->out)
		return ur_wrong(args, "--resume needs --out: the checkpoint lies beside the model");
	if (v->store && v->no_store)
		return ur_wrong(args, "give --store or --no-store, not both");
	if ((code = ur_read_vocab(args, v->vocab, v->vocab_size, v->vocab_min_count, &vocab)))
		return code;
	if (!(s = calloc(1, sizeof *s))) {
		ur_complain(args, "out of memory");
		return UR_EXIT_FAILED;
	}
	s->args = args;
	s->v = v;
	s->vocab = vocab;
	ur_stop_catch(NULL);
	if (!(code = ur_open_context(args, v->threads, &s->ctx)))
		code = go(s);
	ur_corpus_close(s->corpus);
	ur_task_free(&s->task);
	json_decref(s->looking.json);
	ur_pair_split_free(&s->split);
	ur_pair_split_free(&s->val_split);
	ur_pairs_close(s->val_pairs);
	ur_pairs_close(s->pairs);
	ur_model_free(s->job.start);
	ur_left_close(&s->left);
	ur_ctx_close(&s->ctx);
	free(s);
	return code;
}

static const ur_opt options[] = {
	UR_OPT(TEXT, "arch", 'a', arch, "SPEC", "the model, as in lstm:2x256 (see unroll help specs)"),
	UR_OPT(TEXT, "data", 'd', data, "FILE", "the text; pairs: lines of SOURCE <tab> TARGET, or the sources; or a task, "
	       "as in task:recall,T=512 (see unroll help tasks)",
	       .required = 1),
	UR_OPT(TEXT, "out", 'o', out, "FILE", "where the model goes: the best weights so far, by validation"),
	UR_OPT(TEXT, "from", 0, from, "FILE",
	       "go on from this model's weights, with its spec and vocabulary (fine-tuning)"),
	UR_OPT(FLAG, "dry-run", 0, dry_run, NULL,
	       "say what would be done, how many parameters and how much memory it takes, and stop"),
	UR_OPT_VOCAB(struct values, "data"),
	UR_OPT(TEXT, "target", 0, target, "FILE", "pairs: the targets, line by line, where --data has only the sources"),
	UR_OPT(TEXT, "val-data", 0, val_data, "FILE", "pairs: validate on these instead of on a share of --data"),
	UR_OPT(TEXT, "val-target", 0, val_target, "FILE", "their targets, where --val-data has only the sources"),
	UR_OPT(TEXT, "source-vocab", 0, source_vocab, "KIND", "pairs: what a token of the sources is",
	       .otherwise = "as --vocab"),
	UR_OPT(REAL, "val", 0, val, "SHARE",
	       "share of the text to validate on, behind the part to train on; pairs: drawn by a hash of the source",
	       .standard = "0.1", .least = 0, .most = 0.9),
	UR_OPT(REAL, "test", 0, test, "SHARE",
	       "share at its end to leave for unroll eval --part test; pairs: drawn by a hash of the source",
	       .standard = "0", .least = 0, .most = 0.9),
	UR_OPT(INT, "steps", 0, steps, "N", "optimiser steps", .group = "length", .otherwise = "2,000", .least = 1,
	       .most = 1e15),
	UR_OPT(REAL, "epochs", 0, epochs, "X", "instead of --steps: passes over the part to train on", .least = 1e-9,
	       .most = 1e9),
	UR_OPT(INT, "patience", 0, patience, "N", "stop after N validations without progress", .otherwise = "never",
	       .least = 0, .most = 1e6),
	UR_OPT(INT, "batch-size", 'b', batch_size, "N", "sequences or pairs side by side", .group = "batches",
	       .otherwise = "32; pairs: 64", .least = 1, .most = 1 << 20),
	UR_OPT(INT, "seq-len", 'T', seq_len, "N",
	       "tokens a sequence, which gradients reach across; pairs: tokens a side at most, longer ones are left out",
	       .otherwise = "128; attention: its context, at most 256; pairs: 100, at most the context", .least = 1,
	       .most = 1 << 24),
	UR_OPT(INT, "context", 0, context, "N",
	       "positions a sequence has and the model sees: --seq-len, and context= in the spec of one that needs it",
	       .least = 1, .most = 1 << 24),
	UR_OPT(INT, "memory", 0, memory, "BYTES",
	       "what the run may take, as in 2G; where whole sequences need more, they are worked out chunk by chunk, "
	       "twice, with the same gradient", .otherwise = "what is free", .least = 1e6, .most = 9e15),
	UR_OPT(INT, "chunk", 0, chunk, "N",
	       "steps of such a chunk, 0 for none, to repeat a run: sums in another order differ in the last bits",
	       .otherwise = "the longest that fits", .least = 0, .most = 1 << 24),
	UR_OPT(INT, "accumulate", 0, accumulate, "N", "batches whose gradients are added up for one step",
	       .otherwise = "1", .least = 1, .most = 1 << 20),
	UR_OPT(CHOICE, "windows", 0, windows, "KIND",
	       "whether sequences go on where the last step's ended, or come from anywhere, each fresh",
	       .otherwise = "carried where the state is of one size", .choices = "carried|random"),
	UR_OPT(CHOICE, "optimizer", 0, optimizer, "NAME", "how gradients become steps", .group = "optimiser",
	       .otherwise = "adamw", .choices = "adamw|sgd"),
	UR_OPT(REAL, "lr", 0, lr, "X", "learning rate, after warm-up", .otherwise = "0.003; attention and pairs: 0.001",
	       .least = 1e-12, .most = 1e3),
	UR_OPT(REAL, "min-lr", 0, min_lr, "X", "learning rate at the end of a cosine schedule",
	       .otherwise = "a tenth of --lr", .least = 0, .most = 1e3),
	UR_OPT(CHOICE, "schedule", 0, schedule, "NAME", "how the rate falls", .otherwise = "cosine",
	       .choices = "cosine|constant|trapezoid|step|plateau"),
	UR_OPT(INT, "warmup", 0, warmup, "N", "steps in which the rate rises to --lr",
	       .otherwise = "100, at most a tenth of the steps", .least = 0, .most = 1e15),
	UR_OPT(REAL, "decay", 0, decay, "X", "factor of a step or plateau schedule", .otherwise = "0.5", .least = 1e-6,
	       .most = 1),
	UR_OPT(INT, "decay-every", 0, decay_every, "N",
	       "steps between decays; for plateau, validations without progress", .otherwise = "1", .least = 0,
	       .most = 1e15),
	UR_OPT(REAL, "beta1", 0, beta1, "X", "of adamw", .otherwise = "0.9", .least = 0, .most = 1),
	UR_OPT(REAL, "beta2", 0, beta2, "X", "of adamw", .otherwise = "0.99", .least = 0, .most = 1),
	UR_OPT(REAL, "momentum", 0, momentum, "X", "of sgd", .otherwise = "0.9", .least = 0, .most = 1),
	UR_OPT(REAL, "weight-decay", 0, weight_decay, "X", "of matrices, apart from the gradient",
	       .otherwise = "0; attention: 0.1; pairs: 0", .least = 0, .most = 1e3),
	UR_OPT(REAL, "clip", 0, clip, "X", "largest norm of the gradient; 0: any", .otherwise = "1", .least = 0,
	       .most = 1e9),
	UR_OPT(REAL, "label-smoothing", 0, smoothing, "X", "share of a target's probability spread over all tokens",
	       .otherwise = "0", .least = 0, .most = 0.99),
	UR_OPT(INT, "eval-every", 0, eval_every, "N", "steps between validations; 0: only at the end",
	       .group = "validation and checkpoints", .otherwise = "250", .least = 0, .most = 1e15),
	UR_OPT(INT, "eval-tokens", 0, eval_tokens, "N", "tokens a validation looks at", .otherwise = "all", .least = 0,
	       .most = 9e15),
	UR_OPT(INT, "checkpoint-every", 0, checkpoint_every, "N", "steps between checkpoints",
	       .otherwise = "every 30 seconds", .least = 1, .most = 1e15),
	UR_OPT(FLAG, "resume", 0, resume, NULL,
	       "go on from the checkpoint beside --out; settings that are not given, but for --val and --test, "
	       "are its own"),
	UR_OPT(FLAG, "overwrite", 0, overwrite, NULL, "begin anew although there is a checkpoint of an unfinished run"),
	UR_OPT(INT, "seed", 0, seed, "N", "the same seed, data and settings give the same weights", .group = "general",
	       .otherwise = "1", .least = 0, .most = 9.2e18),
	UR_OPT_STORE(struct values),
	UR_OPT(FLAG, "no-store", 0, no_store, NULL, "keep no record of this run"),
	UR_OPT_THREADS(struct values),
	UR_OPT(FLAG, "profile", 0, profile, NULL, "say where the time went, against what this machine could do"),
	UR_OPT(FLAG, "log-gradients", 0, log_gradients, NULL,
	       "measure how far back the model looks: the gradient that its last answer sends to each step before, at the "
	       "start and at validations"),
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};
_Static_assert(sizeof options / sizeof *options <= UR_MOST_OPTIONS, "a bit for each option");

const ur_command ur_command_train = {
	.usage = "--arch SPEC --data FILE --out FILE [options]",
	.details = "Trains on the first part of the text, validates on the part behind it, and writes the best weights so "
		"far to --out. Ctrl-C stops after the step at hand and keeps a checkpoint beside the model, "
		"NAME.ckpt.safetensors; one is also written every half minute. The same command with --resume goes on from "
		"there and ends with the same weights. unroll runs lists the runs of the past, with their settings, curves "
		"and results.\n"
		"With a spec that begins with seq2seq: the data are pairs, and the model learns to write each target when it "
		"has read its source; --val and --test take all pairs of a source or none.\n"
		"With --data task:... the sequences are drawn anew for every step and validated on ones that training never "
		"sees.",
	.examples = "unroll train --arch lstm:2x256 --data corpus.txt -o model.safetensors\n"
		"unroll train --arch transformer:4x128,context=64 --data corpus.txt -o small.safetensors --steps 5k --lr 1e-3\n"
		"unroll train --arch gru:1x128 --data corpus.txt --epochs 3 --vocab bpe:2000 "
		"-o pieces.safetensors\n"
		"unroll train --arch seq2seq:gru:1x256,attention=bahdanau,encoder=bi --data pairs.tsv "
		"-o translator.safetensors\n"
		"unroll train --arch lstm:1x64 --data task:adding,T=100 -o adder.safetensors\n"
		"unroll train --arch gru:1x64 --data corpus.txt --context 65536 --memory 2G -b 4 -o far.safetensors\n"
		"unroll train --from model.safetensors --data corpus.txt -o tuned.safetensors --steps 200 --lr 3e-4\n"
		"unroll train --arch lstm:4x1024 --data corpus.txt --dry-run",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
