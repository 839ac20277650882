/* A comparison in tables of at most 80 columns, the recommendation, and all of it as JSON. */
#include "cli/cli_compare.h"

#include "base/file.h"
#include "base/machine.h"

#include <math.h>
#include <stdlib.h>

enum { COLUMNS = 80, NAMES = 13 };

/* Contenders by loss, best first; those that diverged last. */
static void rank(const ur_comparison *c, int order[UR_MOST_CONTENDERS])
{
	for (int i = 0; i < c->n; i++) {
		int at = i;
		for (; at > 0; at--) {
			const ur_contender *a = &c->of[order[at - 1]], *b = &c->of[i];
			if (b->diverged || (!a->diverged && a->loss <= b->loss))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
}

/* A row's first column; a name too long for it gets a line of its own. */
static void print_name(const ur_contender *c)
{
	if (strlen(c->name) >= NAMES)
		printf("%s\n%-*s", c->name, NAMES, "");
	else
		printf("%-*s", NAMES, c->name);
}

static void print_trials(const ur_contender *c)
{
	int at = NAMES;

	for (int i = 0; i < c->tuning.trials; i++) {
		const ur_trial *t = &c->tuning.trial[i];
		char text[48];
		int n = isinf(t->loss) ? snprintf(text, sizeof text, "%.3g diverged", t->lr)
		                       : snprintf(text, sizeof text, "%.3g %.3f%s", t->lr, t->loss, i == c->tuning.best ? "*" : "");
		if (at + 2 + n > COLUMNS) {
			printf("\n%*s", NAMES, "");
			at = NAMES;
		}
		printf("  %s", text);
		at += 2 + n;
	}
	if (c->tuning.trials == 0)
		printf("  %.3g", c->lr);
	putchar('\n');
}

static void print_models(const ur_comparison *c, const int *order)
{
	ur_short a;

	printf("\n%-*s%11s%8s  %s\n", NAMES, "model", "parameters", "off by", "spec");
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[order[i]];
		print_name(k);
		printf("%11s%+7.1f%%  %.*s\n", ur_commas(k->parameters, a), 100 * k->deviation, COLUMNS - NAMES - 21, k->spec.text);
	}
	printf("\n%-*s  %s\n", NAMES, "rates",
	       c->share > 0 ? "tried: learning rate, then the loss it led to (* taken)" : "as given");
	for (int i = 0; i < c->n; i++) {
		print_name(&c->of[order[i]]);
		print_trials(&c->of[order[i]]);
	}
}

static void print_quality(const ur_comparison *c, const int *order)
{
	printf("\n%-*s%12s%11s%9s   %s\n", NAMES, "quality", "nats/token", "bits/byte", "above", "95% interval of that");
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[order[i]];
		print_name(k);
		if (k->diverged) {
			printf("%12s\n", "diverged");
			continue;
		}
		printf("%12.4f%11.4f", k->loss, k->bits_per_byte);
		if (order[i] == c->advice.best)
			printf("%9s", "best");
		else if (isnan(k->gap.low))
			printf("%9.4f", k->gap.mean);
		else
			printf("%9.4f   %.4f to %.4f%s", k->gap.mean, k->gap.low, k->gap.high, c->advice.tied[order[i]] ? "  (a tie)" : "");
		putchar('\n');
	}
}

static void print_number(double x, int width)
{
	printf(x < 99.95 ? "%*.1f" : "%*.0f", width, x);
}

static void print_cost(const ur_comparison *c, const int *order)
{
	const int last = c->positions - 1;
	ur_short a;

	printf("\n%-*s%9s%9s%9s%9s%9s%8s%9s\n", NAMES, "cost", "training", "memory", "memory", "step", "step", "state",
		"weights");
	printf("%-*s%9s%9s%9s%9s%9s%8s%9s\n", NAMES, "", "tokens/s", "plan MiB", "peak MiB", "p50 us", "p99 us", "KiB", "KiB");
	for (int i = 0; i < c->n; i++) {
		const ur_contender *k = &c->of[order[i]];
		if (k->diverged)
			continue;
		print_name(k);
		printf("%9s", ur_commas((int64_t)k->tokens_per_second, a));
		print_number((double)k->memory.planned / 1048576, 9);
		if (k->memory.peak < 0)
			printf("%9s", "?");
		else
			print_number((double)k->memory.peak / 1048576, 9);
		print_number(k->latency[last].p50, 9);
		print_number(k->latency[last].p99, 9);
		print_number((double)k->latency[last].state / 1024, 8);
		print_number((double)k->weight_bytes / 1024, 9);
		putchar('\n');
	}
}

/* Line by line, so that what is listed hangs behind its dash. */
static void print_advice(const char *text)
{
	char line[UR_ADVICE];

	while (*text) {
		int dash = text[0] == '-' ? 2 : 0, n = (int)strcspn(text, "\n");
		(void)snprintf(line, sizeof line, "%.*s", n, text);
		text += n + (text[n] == '\n');
		printf("%.*s", dash, line);
		ur_print_wrapped(stdout, line + dash, dash, dash, COLUMNS);
	}
	putchar('\n');
}

void ur_comparison_print(const ur_setting *s, const ur_comparison *c)
{
	const ur_vocab *vocab = ur_corpus_vocab(s->what->corpus);
	const ur_split *split = &s->what->split;
	const ur_ctx *ctx = s->what->ctx;
	char name[200], cpu[100], text[1200];
	int order[UR_MOST_CONTENDERS];
	ur_short a, b, d;
	int64_t at = 0;

	rank(c, order);
	for (int i = 0; i < c->n; i++)
		if (!c->of[i].diverged)
			at = c->of[i].latency[c->positions - 1].position;
	ur_cpu_name(cpu, sizeof cpu);
	(void)snprintf(text, sizeof text, "%s: %s tokens to train on, ", ur_visible(ur_path_tail(s->data), name, sizeof name),
	               ur_commas(c->train_tokens, a));
	(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s to choose learning rates on, %s held out to "
	               "compare on. "
	               "Vocabulary: %s, %d tokens%s%s.", ur_commas(split->val_to - split->val_from, a),
	               c->own_heldout ? ur_commas(c->scored, b) : "the same", ur_vocab_kind_of(vocab), ur_vocab_size(vocab),
	               s->note ? "; " : "", s->note ? s->note : "");
	ur_print_wrapped(stdout, text, 0, 0, COLUMNS);
	(void)snprintf(text, sizeof text, "Each was trained on %s tokens (%.2g passes), %s a step", ur_commas(c->tokens, a),
	               c->passes, ur_commas(c->step_tokens, b));
	if (c->share > 0)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), ", with the best of %d learning rates, each tried "
		               "for %.0f%% of that", s->what->trials, 100 * c->share);
	(void)snprintf(text + strlen(text), sizeof text - strlen(text), ". Seed %llu. All took %s on %d thread%s of %s (%s).",
	               (unsigned long long)c->seed, ur_time_text(c->seconds, d), ctx->threads, ctx->threads == 1 ? "" : "s",
	               cpu, ctx->k->name);
	ur_print_wrapped(stdout, text, 0, 0, COLUMNS);

	print_models(c, order);
	print_quality(c, order);
	print_cost(c, order);
	(void)snprintf(text, sizeof text, "Step: one token of one stream on one thread, after %s tokens; state: what saving "
	               "that stream would write. Memory: of training, planned, and the whole process at most.",
	               ur_commas(at, a));
	ur_print_wrapped(stdout, text, 0, 0, COLUMNS);

	putchar('\n');
	print_advice(c->advice.text);
	for (int i = 0, said = 0; i < c->n; i++)
		if (c->of[order[i]].file_bytes > 0)
			printf("%-9s%s\n", said++ ? "" : "models", ur_visible(c->of[order[i]].path, text, sizeof text));
	if (s->again)
		printf("%-9s%s\n", "again", ur_visible(s->again, text, sizeof text));
}

/* ---- JSON ---- */

/* One more member, or none at all: json is NULL from the first failure on. */
static json_t *with(json_t *json, const char *key, json_t *value)
{
	if (json && value && !json_object_set_new(json, key, value))
		return json;
	json_decref(json);
	return NULL;
}

static json_t *gap_json(const ur_gap *g)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "mean", ur_json_number(g->mean), "standard_error", ur_json_number(g->error),
		"low", ur_json_number(g->low), "high", ur_json_number(g->high));
}

static json_t *trials_json(const ur_contender *k)
{
	json_t *list = json_array();
	for (int i = 0; list && i < k->tuning.trials; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "lr", ur_json_number(k->tuning.trial[i].lr),
			"val_loss", ur_json_number(k->tuning.trial[i].loss), "diverged", isinf(k->tuning.trial[i].loss) != 0));
	return list;
}

static json_t *steps_json(const ur_comparison *c, const ur_contender *k)
{
	json_t *list = json_array();
	for (int i = 0; list && i < c->positions; i++)
		json_array_append_new(list, json_pack("{s:I, s:i, s:o, s:o, s:I}", "position", (json_int_t)k->latency[i].position,
			"samples", k->latency[i].samples, "p50_us", ur_json_number(k->latency[i].p50), "p99_us",
			ur_json_number(k->latency[i].p99), "state_bytes", (json_int_t)k->latency[i].state));
	return list;
}

static json_t *contender_json(const ur_comparison *c, int which)
{
	const ur_contender *k = &c->of[which];
	json_t *json = json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:b}", "name", k->name, "spec", k->spec.text,
		"parameters", (json_int_t)k->parameters, "deviation", ur_json_number(k->deviation), "limit", (json_int_t)k->limit,
		"trial_tokens", (json_int_t)k->trial_tokens, "diverged", k->diverged);

	json = with(json, "trials", trials_json(k));
	if (k->diverged)
		return with(json, "why", ur_json_string(k->why));
	json = with(json, "lr", ur_json_number(k->lr));
	json = with(json, "lr_open", json_string(k->tuning.open > 0 ? "above" : k->tuning.open < 0 ? "below" : "no"));
	json = with(json, "recipe", ur_recipe_to_json(&k->recipe));
	json = with(json, "tokens", json_integer(k->outcome.tokens));
	json = with(json, "train_seconds", ur_json_number(k->outcome.seconds));
	json = with(json, "tokens_per_second", ur_json_number(k->tokens_per_second));
	json = with(json, "share_of_peak", ur_json_number(k->share_of_peak));
	json = with(json, "val_loss", ur_json_number(k->outcome.best_loss));
	json = with(json, "loss", ur_json_number(k->loss));
	json = with(json, "bits_per_byte", ur_json_number(k->bits_per_byte));
	json = with(json, "above_best", gap_json(&k->gap));
	json = with(json, "tied_with_best", json_boolean(c->advice.tied[which]));
	json = with(json, "memory_planned", json_integer((json_int_t)k->memory.planned));
	json = with(json, "memory_before", k->memory.before < 0 ? json_null() : json_integer(k->memory.before));
	json = with(json, "memory_peak", k->memory.peak < 0 ? json_null() : json_integer(k->memory.peak));
	json = with(json, "memory_peak_is_since_start", json_boolean(k->memory.since_start));
	json = with(json, "steps", steps_json(c, k));
	json = with(json, "weight_bytes", json_integer((json_int_t)k->weight_bytes));
	json = with(json, "file_bytes", k->file_bytes > 0 ? json_integer(k->file_bytes) : json_null());
	return with(json, "model", k->file_bytes > 0 ? ur_json_string(k->path) : json_null());
}

static json_t *name_json(const ur_comparison *c, int which)
{
	return which < 0 ? json_null() : json_string(c->of[which].name);
}

json_t *ur_comparison_json(const ur_setting *s, const ur_comparison *c)
{
	const ur_vocab *vocab = ur_corpus_vocab(s->what->corpus);
	const ur_split *split = &s->what->split;
	json_t *json, *list = json_array();
	char cpu[100];

	ur_cpu_name(cpu, sizeof cpu);
	for (int i = 0; list && i < c->n; i++)
		if (json_array_append_new(list, contender_json(c, i))) {
			json_decref(list);
			list = NULL;
		}
	json = json_pack("{s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:b}", "data", ur_json_string(s->data), "vocabulary",
		ur_vocab_kind_of(vocab), "vocabulary_size", ur_vocab_size(vocab), "train_tokens", (json_int_t)c->train_tokens,
		"val_tokens", (json_int_t)(split->val_to - split->val_from), "heldout_tokens", (json_int_t)c->scored,
		"heldout_bytes", (json_int_t)c->scored_bytes, "heldout_is_test", c->own_heldout);
	json = with(json, "target_parameters", json_integer(c->target));
	json = with(json, "tokens", json_integer(c->tokens));
	json = with(json, "window", json_integer(c->window));
	json = with(json, "step_tokens", json_integer(c->step_tokens));
	json = with(json, "passes", ur_json_number(c->passes));
	json = with(json, "trial_share", ur_json_number(c->share));
	json = with(json, "seed", json_integer((json_int_t)c->seed));
	json = with(json, "seconds", ur_json_number(c->seconds));
	json = with(json, "machine", json_pack("{s:o, s:i, s:s, s:o, s:o}", "processor", ur_json_string(cpu), "threads",
		s->what->ctx->threads, "kernels", s->what->ctx->k->name, "peak_flops", ur_json_number(c->speed.flops),
		"peak_bandwidth", ur_json_number(c->speed.bandwidth)));
	json = with(json, "contenders", list);
	json = with(json, "recommended", name_json(c, c->advice.pick));
	json = with(json, "best_quality", name_json(c, c->advice.best));
	json = with(json, "fastest_step", name_json(c, c->advice.fastest_step));
	json = with(json, "smallest_state", name_json(c, c->advice.smallest_state));
	json = with(json, "fastest_training", name_json(c, c->advice.fastest_training));
	json = with(json, "recommendation", ur_json_string(c->advice.text));
	return with(json, "again", ur_json_string(s->again));
}
