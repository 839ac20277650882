/* What training will do, what it did, and where its time went; for people and as JSON. */
#include "cli/cli_tasks.h"
#include "cli/cli_train.h"

#include "base/file.h"
#include "measure/speed.h"

#include <math.h>
#include <stdlib.h>

/* How often the training part is read. */
static double passes(const ur_job *job)
{
	const ur_recipe *r = &job->recipe;
	if (job->pairs)
		return (double)r->steps * r->accumulate * r->batch / fmax(1, (double)ur_job_count_pairs(job).train);
	double predictions = (double)(job->split.train_to - job->split.train_from - 1);
	return predictions > 0 ? (double)r->steps * r->accumulate * r->batch * r->window / predictions : 0;
}

void ur_plan_print(FILE *to, const ur_plan *p)
{
	const ur_job *job = p->job;
	const ur_recipe *r = &job->recipe;
	const ur_split *s = &job->split;
	const ur_words words = ur_job_words(job);
	const double often = passes(job);
	char name[200], times[24] = "";
	ur_short a, b, c;

	if (often < 100)
		(void)snprintf(c, sizeof c, "%.3g", often);
	else
		ur_commas((int64_t)often, c);
	if (r->accumulate > 1)
		(void)snprintf(times, sizeof times, "%d x ", r->accumulate);
	(void)fprintf(to, "model       %s, %s parameters\n", p->spec->text, ur_commas(p->parameters, a));
	if (job->pairs) {
		const ur_job_pairs pairs = ur_job_count_pairs(job);
		(void)fprintf(to, "vocabulary  source %s, %s tokens; ", ur_vocab_kind_of(words.source),
		              ur_commas(words.source_V, a));
		(void)fprintf(to, "target %s, %s tokens\n", ur_vocab_kind_of(words.vocab), ur_commas(words.V, a));
		(void)fprintf(to, "data        %s: %s pairs to train on", ur_visible(ur_path_tail(p->data), name, sizeof name),
		              ur_commas(pairs.train, a));
		if (pairs.train_long)
			(void)fprintf(to, " (%s longer than --seq-len %d left out)", ur_commas(pairs.train_long, a), r->window);
		(void)fprintf(to, ", %s to validate%s", ur_commas(pairs.val, a), p->validates ? "" : ": too few");
		if (pairs.val_long)
			(void)fprintf(to, " (%s longer than the context left out)", ur_commas(pairs.val_long, a));
		(void)fputc('\n', to);
		(void)fprintf(to, "training    %s steps of %s%d pairs, each side at most %d tokens (%s passes), %s, %s, "
		              "learning rate %g\n", ur_commas(r->steps, a), times, r->batch, r->window, c, r->optimizer,
		              r->schedule, r->lr);
	} else if (job->task) {
		(void)fprintf(to, "vocabulary  %s, %s characters\n", ur_vocab_kind_of(words.vocab), ur_commas(words.V, a));
		(void)fprintf(to, "task        %s: sequences of %s tokens, ", job->task->text, ur_commas(job->task->length, a));
		(void)fprintf(to, "%s of them scored, drawn anew for every step\n", ur_commas(job->task->scored, a));
		(void)fprintf(to, "training    %s steps of %s%d sequences, %s, %s, learning rate %g\n", ur_commas(r->steps, a),
		              times, r->batch, r->optimizer, r->schedule, r->lr);
	} else {
		(void)fprintf(to, "vocabulary  %s, %s tokens%s%s%s\n", ur_vocab_kind_of(words.vocab), ur_commas(words.V, a),
		              *p->note ? " (" : "", p->note, *p->note ? ")" : "");
		(void)fprintf(to, "data        %s: %s tokens to train on, ",
		              ur_visible(ur_path_tail(p->data), name, sizeof name),
		              ur_commas(s->train_to - s->train_from, a));
		(void)fprintf(to, "%s to validate%s\n", ur_commas(s->val_to - s->val_from, b), p->validates ? "" : ": too few");
		(void)fprintf(to, "training    %s steps of %s%d x %d tokens (%s passes), %s, %s, learning rate %g\n",
		              ur_commas(r->steps, a), times, r->batch, r->window, c, r->optimizer, r->schedule, r->lr);
	}
	(void)fprintf(to, "machine     %d thread%s, %s kernels; needs %s of memory, %s is free\n", job->ctx->threads,
	              job->ctx->threads == 1 ? "" : "s", job->ctx->k->name, ur_size_text((double)p->bytes, b),
	              p->memory_free < 0 ? "an unknown amount" : ur_size_text((double)p->memory_free, c));
	ur_plan_print_parts(to, p);
}

json_t *ur_plan_json(const ur_plan *p)
{
	const ur_job *job = p->job;
	const ur_job_pairs pairs = job->pairs ? ur_job_count_pairs(job) : (ur_job_pairs){ 0 };
	const ur_words words = ur_job_words(job);
	json_t *json = json_pack("{s:s, s:I, s:s, s:i, s:o, s:b, s:I, s:o, s:o}", "spec", p->spec->text,
		"parameters", (json_int_t)p->parameters, "vocabulary", ur_vocab_kind_of(words.vocab),
		"vocabulary_size", ur_vocab_size(words.vocab), "data", ur_json_string(p->data), "validates", p->validates,
		"memory_needed", (json_int_t)p->bytes,
		"memory_free", p->memory_free < 0 ? json_null() : json_integer(p->memory_free),
		"recipe", ur_recipe_to_json(&job->recipe));
	json_t *memory = json_pack("{s:o, s:o}", "memory_plan", ur_plan_parts_json(p), "step_seconds_predicted",
		p->step_seconds > 0 ? ur_json_number(p->step_seconds) : json_null());
	json_t *more = !json ? NULL : job->pairs
		? json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "source_vocabulary", ur_vocab_kind_of(words.source),
		            "source_vocabulary_size", ur_vocab_size(words.source), "train_pairs", (json_int_t)pairs.train,
		            "train_pairs_too_long", (json_int_t)pairs.train_long, "val_pairs", (json_int_t)pairs.val,
		            "val_pairs_too_long", (json_int_t)pairs.val_long)
		: job->task ? json_pack("{s:s, s:i, s:i}", "task", job->task->text, "sequence_tokens", job->task->length,
		                        "sequence_targets", job->task->scored)
		: json_pack("{s:I, s:I}", "train_tokens", (json_int_t)(job->split.train_to - job->split.train_from),
		            "val_tokens", (json_int_t)(job->split.val_to - job->split.val_from));

	if (json && (!more || !memory || json_object_update(json, more) || json_object_update(json, memory))) {
		json_decref(json);
		json = NULL;
	}
	json_decref(more);
	json_decref(memory);
	return json;
}

/* A few words the data has, quoted for a shell: a prompt the model can surely read. malloc'd; NULL: none. */
static char *sample_prompt(const ur_corpus *corpus)
{
	enum { TOKENS = 60, FEWEST = 4, MOST = 12 };
	const ur_vocab *vocab = ur_corpus_vocab(corpus);
	int32_t tokens[TOKENS];
	char text[400] = "";
	int64_t n = ur_corpus_tokens(corpus) < TOKENS ? ur_corpus_tokens(corpus) : TOKENS;
	size_t used = 0, cut;

	if (ur_corpus_read(corpus, 0, n, tokens, NULL))
		return NULL;
	for (int64_t i = 0; i < n; i++) {
		const char *piece;
		size_t bytes = ur_vocab_decode(vocab, tokens[i], &piece);
		if (tokens[i] == ur_vocab_unknown(vocab) || used + bytes >= sizeof text)
			break;
		memcpy(text + used, piece, bytes);
		used += bytes;
		text[used] = 0;
	}
	/* whole words of plain ASCII, so that any terminal shows and any shell takes them */
	for (cut = 0; text[cut] >= 32 && text[cut] < 127 && text[cut] != '\'' && text[cut] != '\\'; cut++)
		if (cut >= MOST || (cut >= FEWEST && text[cut] == ' '))
			break;
	text[cut] = 0;
	return cut ? ur_quoted(text) : NULL;
}

void ur_result_print(const ur_args *args, const ur_plan *p, const ur_outcome *o)
{
	const ur_job *job = p->job;
	ur_short a, b, c, d;

	if (isnan(o->best_loss))
		printf("training loss    %.4f nats a token; nothing to validate on\n", o->train_loss);
	else if (o->task.sequences)
		printf("validation loss  %.4f nats an answer, best of the run (step %s)\n", o->best_loss,
		       ur_commas(o->best_step, a));
	else
		printf("validation loss  %.4f nats a token, %.4f bits a byte, best of the run (step %s)\n", o->best_loss,
		       o->bits_per_byte, ur_commas(o->best_step, a));
	if (o->task.sequences)
		ur_task_score_print(&o->task, 17);
	printf("trained          %s steps%s, %s tokens in %s, %s a second\n", ur_commas(o->steps, a),
	       o->stopped_early ? " (stopped early: no progress)" : "", ur_commas(o->tokens, b),
	       ur_time_text(o->seconds, c), ur_commas(o->seconds > 0 ? (int64_t)((double)o->tokens / o->seconds) : 0, d));
	if (p->in_parts && p->memory_peak >= 0) {
		printf("memory           %s at most,", ur_size_text((double)p->memory_peak, a));
		printf(" %s planned\n", ur_size_text((double)p->bytes, a));
	}
	if (p->looking && p->looking->step >= 0)
		ur_reach_print(stdout, &p->looking->last, p->looking->step);
	if (p->run)
		printf("recorded         unroll runs %lld shows it\n", (long long)p->run);
	if (job->out) {
		int answers = 0;
		char *prompt = job->pairs ? NULL : job->task ? ur_task_prompt(job->task, &answers) : sample_prompt(job->corpus);
		char *out = ur_quoted(job->out);
		char *program = ur_quoted(args->argv[0]);
		char shown[1024];
		printf("model            %s\n", ur_visible(job->out, shown, sizeof shown));
		if (out && program && job->task)
			printf("try              %s %s --model %s%s%s", program, prompt ? "generate" : "eval",
			       ur_visible(out, shown, sizeof shown), prompt ? " --prompt " : "", prompt ? prompt : "");
		if (out && program && job->task && prompt)
			printf(" -n %d --temp 0", answers);
		if (out && program && job->task)
			(void)putchar('\n');
		else if (out && program)
			printf("try              %s %s --model %s%s%s\n", program, job->pairs ? "translate" : "generate",
			       ur_visible(out, shown, sizeof shown), prompt ? " --prompt " : "", prompt ? prompt : "");
		free(prompt);
		free(out);
		free(program);
	}
}

json_t *ur_result_json(const ur_plan *p, const ur_outcome *o)
{
	json_t *json = json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:b}",
		"run", p->run ? json_integer(p->run) : json_null(),
		"model", ur_json_string(p->job->out), "steps", (json_int_t)o->steps, "tokens", (json_int_t)o->tokens,
		"seconds", ur_json_number(o->seconds), "tokens_per_second", ur_json_number((double)o->tokens / o->seconds),
		"train_loss", ur_json_number(o->train_loss), "val_loss", ur_json_number(o->val_loss),
		"best_loss", ur_json_number(o->best_loss), "bits_per_byte", ur_json_number(o->bits_per_byte),
		"best_step", (json_int_t)o->best_step, "scored", (json_int_t)o->scored, "stopped_early", o->stopped_early);
	json_t *plan = json ? ur_plan_json(p) : NULL;

	if (json)
		json_object_set_new(json, "memory_peak", p->memory_peak >= 0 ? json_integer(p->memory_peak) : json_null());
	if (json && p->looking)
		json_object_set(json, "reach", p->looking->json);
	if (json && o->task.sequences)
		json_object_set_new(json, "score", ur_task_score_json(&o->task));
	if (json && (!plan || json_object_update_missing(json, plan))) {
		json_decref(json);
		json = NULL;
	}
	json_decref(plan);
	return json;
}

/* ---- where the time went ---- */

/* Seconds below which an operation's arithmetic and memory traffic cannot go here; 0: not made of either. */
static double floor_of(const ur_profile *p, int op, const ur_speed *speed)
{
	double arithmetic = speed->flops > 0 ? p->flops[op] / speed->flops : 0;
	double traffic = speed->bandwidth > 0 ? p->bytes[op] / speed->bandwidth : 0;
	return arithmetic > traffic ? arithmetic : traffic;
}

void ur_profile_print(const ur_profile *p, const ur_ctx *ctx, double seconds)
{
	ur_speed speed = { 0 };
	double rest = seconds;

	ur_speed_measure(ctx, &speed);
	printf("\n%-12s %9s %7s %9s %9s %8s\n", "operation", "seconds", "share", "GFLOP/s", "floor", "x floor");
	for (int i = 0; i < UR_OP_KINDS; i++) {
		double least = floor_of(p, i, &speed);
		rest -= p->seconds[i];
		if (p->calls[i] == 0 && p->seconds[i] <= 0)
			continue;
		printf("%-12s %9.3f %6.1f%%", ur_op_name((ur_op)i), p->seconds[i], 100 * p->seconds[i] / seconds);
		if (p->flops[i] > 0)
			printf(" %9.1f", p->flops[i] / p->seconds[i] * 1e-9);
		else
			printf(" %9s", "");
		if (least > 0)
			printf(" %9.3f %8.1f", least, p->seconds[i] / least);
		else
			printf(" %9s %8s", "", "");
		printf("  %s\n", ur_op_about((ur_op)i));
	}
	printf("%-12s %9.3f %6.1f%%\n%-12s %9.3f\n", "other", rest, 100 * rest / seconds, "in all", seconds);
	printf("floor: the arithmetic at %.0f GFLOP/s, or the memory traffic at %.1f GB/s, whichever takes longer:\n"
	       "what %d thread%s of this machine reached just now, with nothing else to do\n", speed.flops * 1e-9,
	       speed.bandwidth * 1e-9, ctx->threads, ctx->threads == 1 ? "" : "s");
}

json_t *ur_profile_json(const ur_profile *p, const ur_ctx *ctx, double seconds)
{
	ur_speed speed = { 0 };
	json_t *list = json_array();

	ur_speed_measure(ctx, &speed);
	for (int i = 0; i < UR_OP_KINDS; i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:o, s:o, s:o}", "operation", ur_op_name((ur_op)i),
			"seconds", ur_json_number(p->seconds[i]), "calls", (json_int_t)p->calls[i],
			"flops", ur_json_number(p->flops[i]), "bytes", ur_json_number(p->bytes[i]),
			"floor_seconds", ur_json_number(floor_of(p, i, &speed))));
	return json_pack("{s:o, s:o, s:o, s:o}", "operations", list, "seconds", ur_json_number(seconds),
		"peak_flops", ur_json_number(speed.flops), "peak_bandwidth", ur_json_number(speed.bandwidth));
}
