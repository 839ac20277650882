/* The document of docs/COMPARISON.md. */
#include "compare/document_parts.h"
#include "compare/words.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/order.h"
#include "train/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *ur_with(json_t *json, const char *key, json_t *value)
{
	if (json && value && !json_object_set_new(json, key, value))
		return json;
	json_decref(json);
	return NULL;
}

json_t *ur_also(json_t *list, json_t *value)
{
	if (list && value && !json_array_append_new(list, value))
		return list;
	json_decref(list);
	return NULL;
}

static json_t *integer(int64_t n) { return json_integer((json_int_t)n); }

/* Text that may not be UTF-8, such as a path: what is none becomes '?'. */
static json_t *text(const char *s)
{
	json_t *json;
	char *copy;

	if (!s)
		return json_null();
	if ((json = json_string(s)) || !(copy = strdup(s)))
		return json;
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *ur_interval(const ur_mean *m)
{
	return json_pack("{s:i, s:o, s:o, s:o}", "n", m->n, "mean", ur_fact_real(m->mean), "low", ur_fact_real(m->low),
		"high", ur_fact_real(m->high));
}

static json_t *fit(const ur_power *p)
{
	if (p->n < 2)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i}", "exponent", ur_fact_real(p->exponent),
		"low", ur_fact_real(p->low), "high", ur_fact_real(p->high), "from", ur_fact_real(p->from),
		"to", ur_fact_real(p->to), "n", p->n);
}

static json_t *name_of(const ur_comparison *c, int which)
{
	return which < 0 ? json_null() : json_string(c->of[which].name);
}

/* -- a contender -- */

static json_t *tuning_json(const ur_compare *what, const ur_contender *k)
{
	json_t *list = json_array();

	for (int i = 0; i < what->tuned && k->tuning[i].trials > 0; i++) {
		const ur_tuning *t = &k->tuning[i];
		json_t *trials = json_array();
		for (int j = 0; j < t->trials; j++)
			trials = ur_also(trials, json_pack("{s:f, s:o, s:b}", "value", t->trial[j].value,
				"loss", ur_fact_real(t->trial[j].loss), "chosen", j == t->best));
		list = ur_also(list, json_pack("{s:s, s:o, s:s}", "parameter", what->tune[i]->name, "trials", trials, "open",
			t->open > 0 ? "above" : t->open < 0 ? "below" : "no"));
	}
	return list;
}

static json_t *run_json(const ur_contender *k, const ur_trained *r)
{
	static const char *const states[] = { "waiting", "running", "done", "diverged" };
	json_t *json = json_pack("{s:I, s:I, s:s, s:I, s:I, s:I}", "run", (json_int_t)r->id, "seed", (json_int_t)r->seed,
		"state", states[r->state], "step", (json_int_t)r->step, "steps", (json_int_t)k->recipe.steps,
		"tokens", (json_int_t)r->tokens);

	json = ur_with(json, "seconds", ur_fact_real(r->seconds));
	json = ur_with(json, "tokens_per_second", ur_fact_real(r->seconds > 0 ? (double)r->tokens / r->seconds : NAN));
	json = ur_with(json, "train_loss", ur_fact_real(r->train_loss));
	json = ur_with(json, "val_loss", ur_fact_real(r->val_loss));
	json = ur_with(json, "loss", ur_fact_real(r->loss));
	json = ur_with(json, "loss_same", ur_fact_real(r->loss_same));
	json = ur_with(json, "bits_per_byte", ur_fact_real(r->bits_per_byte));
	return ur_with(json, "why", *r->why ? text(r->why) : json_null());
}

static json_t *runs_json(const ur_comparison *c, const ur_contender *k)
{
	json_t *list = json_array();

	for (int s = 0; s < c->seeds; s++)
		list = ur_also(list, run_json(k, &k->run[s]));
	return list;
}

static const char *verdict_words(const ur_comparison *c, const ur_contender *k, char out[200])
{
	const ur_data_words *w = ur_data_words_of(c->pairs);
	char text[100];

	if (isnan(k->gap.low))
		(void)snprintf(text, sizeof text, "%s to say more", w->few);
	else if (k->gap.low > 0)
		(void)snprintf(text, sizeof text, "%s the difference is beyond %s noise", w->here, c->pairs ? "their" : "its");
	else
		(void)snprintf(text, sizeof text, "the difference is within what %s might give", w->other);
	if (c->seeds < 2)
		(void)snprintf(out, 200, "%s, and of one seed nobody knows how another would turn out%s", text,
		               k->verdict == UR_TIED ? "; it is too small to matter" : "");
	else
		(void)snprintf(out, 200, "seeds %s (adjusted p = %.2g over %d), and %s", k->p_holm < UR_SIGNIFICANT
		               ? "agree on it" : "do not tell them apart", k->p_holm, c->seeds, text);
	return out;
}

static json_t *above_best_json(const ur_comparison *c, const ur_contender *k)
{
	static const char *const verdicts[] = { "best", "worse", "tie", "unsure" };
	char words[200];
	json_t *json;

	if (k->verdict == UR_BEST)
		return json_null();
	json = ur_interval(&k->above.difference);
	json = ur_with(json, "p", ur_fact_real(k->above.p));
	json = ur_with(json, "p_holm", ur_fact_real(k->p_holm));
	json = ur_with(json, "text_low", ur_fact_real(k->gap.low));
	json = ur_with(json, "text_high", ur_fact_real(k->gap.high));
	json = ur_with(json, "verdict", json_string(verdicts[k->verdict]));
	return ur_with(json, "words", text(verdict_words(c, k, words)));
}

json_t *ur_positions_json(int n, const ur_position_loss *bins)
{
	json_t *list = json_array();

	for (int b = 0; b < n; b++) {
		const ur_position_loss *p = &bins[b];
		list = ur_also(list, json_pack("{s:I, s:I, s:o, s:o, s:o, s:i}", "from", (json_int_t)p->from,
			"to", (json_int_t)p->to, "loss", ur_fact_real(p->loss), "low", ur_fact_real(p->low),
			"high", ur_fact_real(p->high), "n", p->windows));
	}
	return list;
}

static json_t *prefill_json(const ur_contender *k)
{
	json_t *list = json_array();

	for (int i = 0; i < k->lengths; i++) {
		const ur_prefill_time *t = &k->prefill[i];
		double s[UR_PREFILL_REPEATS];
		memcpy(s, t->seconds, sizeof s);
		ur_sort(t->repeats, s);
		list = ur_also(list, json_pack("{s:I, s:o, s:f, s:f, s:i, s:b}", "T", (json_int_t)t->T, "seconds",
			ur_fact_real(ur_prefill_seconds(t)), "low", s[0], "high", s[t->repeats - 1], "repeats", t->repeats,
			"stretched", k->limit > 0 && t->T > k->limit));
	}
	return list;
}

static json_t *steps_json(const ur_contender *k)
{
	json_t *list = json_array();

	for (int i = 0; i < k->positions; i++)
		list = ur_also(list, json_pack("{s:I, s:i, s:o, s:o, s:I, s:b}",
			"position", (json_int_t)k->latency[i].position, "samples", k->latency[i].samples,
			"p50_us", ur_fact_real(k->latency[i].p50), "p99_us", ur_fact_real(k->latency[i].p99),
			"state_bytes", (json_int_t)k->latency[i].state, "stretched", k->stretched[i]));
	return list;
}

/* What is there once all runs are done. */
static json_t *with_results(json_t *json, const ur_comparison *c, const ur_contender *k)
{
	json = ur_with(json, "loss", ur_interval(&k->loss));
	json = ur_with(json, "loss_same", ur_interval(&k->loss_same));
	json = ur_with(json, "bits_per_byte", ur_interval(&k->bits_per_byte));
	json = ur_with(json, "rank", json_integer(k->rank));
	json = ur_with(json, "above_best", above_best_json(c, k));
	json = ur_with(json, "train_tokens_per_second", ur_fact_real(k->tokens_per_second));
	json = ur_with(json, "share_of_peak", ur_fact_real(k->share_of_peak));
	json = ur_with(json, "memory", json_pack("{s:I, s:o, s:o, s:b}", "planned", (json_int_t)k->memory.planned, "peak",
		k->memory.peak < 0 ? json_null() : integer(k->memory.peak), "before", k->memory.before < 0 ? json_null()
		: integer(k->memory.before), "since_start", k->memory.since_start));
	json = ur_with(json, "energy", isfinite(k->joules_per_token) ? json_pack("{s:f}", "joules_per_million_tokens",
		1e6 * k->joules_per_token) : json_null());
	json = ur_with(json, "by_position", ur_positions_json(k->bins, k->by_position));
	json = ur_with(json, "prefill", prefill_json(k));
	json = ur_with(json, "prefill_fit", fit(&k->prefill_fit));
	json = ur_with(json, "steps", steps_json(k));
	json = ur_with(json, "step_fit", fit(&k->step_fit));
	json = ur_with(json, "state_fit", fit(&k->state_fit));
	json = ur_with(json, "weight_bytes", integer((int64_t)k->weight_bytes));
	json = ur_with(json, "file_bytes", k->file_bytes > 0 ? integer(k->file_bytes) : json_null());
	json = ur_with(json, "model", k->file_bytes > 0 ? text(k->path) : json_null());
	json = ur_with(json, "kept_seed", integer((int64_t)k->run[k->kept].seed));
	return ur_with(json, "sample", text(k->sample));
}

static json_t *contender_json(const ur_compare *what, const ur_comparison *c, const ur_contender *k)
{
	const ur_recipe *r = &k->recipe;
	json_t *json = json_pack("{s:s, s:s, s:I, s:o, s:I, s:b}", "name", k->name, "spec", k->spec.text,
		"parameters", (json_int_t)k->parameters, "deviation", ur_fact_real(k->deviation),
		"limit", (json_int_t)k->limit, "diverged", k->diverged);

	json = ur_with(json, "why", k->diverged ? text(k->why) : json_null());
	json = ur_with(json, "flops_per_token", ur_fact_real(k->flops_per_token));
	json = ur_with(json, "calibration", k->rate.train > 0 ? json_pack("{s:f, s:o}",
		"train_tokens_per_second", k->rate.train, "score_tokens_per_second", ur_fact_real(k->rate.score))
		: json_null());
	json = ur_with(json, "tuning", tuning_json(what, k));
	if (r->steps > 0) {
		json = ur_with(json, "tokens", integer(k->tokens));
		json = ur_with(json, "steps_trained", integer(r->steps));
		json = ur_with(json, "passes", ur_fact_real((double)k->tokens / (double)c->train_tokens));
		json = ur_with(json, "lr", ur_fact_real(r->lr));
		json = ur_with(json, "weight_decay", ur_fact_real(r->weight_decay));
		json = ur_with(json, "clip", ur_fact_real(r->clip));
		json = ur_with(json, "batch", json_integer(r->batch));
		json = ur_with(json, "window", json_integer(r->window));
	}
	json = ur_with(json, "runs", runs_json(c, k));
	return c->done && !k->diverged ? with_results(json, c, k) : json;
}

/* -- the whole -- */

/* Contenders by loss, the lowest first; those without one last. */
static void by_loss(const ur_comparison *c, const ur_mean *loss, int order[UR_MOST_CONTENDERS])
{
	for (int i = 0; i < c->n; i++) {
		int at = i;
		for (; at > 0 && (isnan(loss[order[at - 1]].mean) || loss[i].mean < loss[order[at - 1]].mean); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

static json_t *equal_json(const ur_comparison *c)
{
	json_t *list = json_array();

	for (int a = 0; a < c->equals; a++) {
		const ur_equal *e = &c->equal[a];
		int order[UR_MOST_CONTENDERS];
		json_t *entries = json_array(), *tied = json_array();
		if (e->leader < 0) {
			json_decref(entries);
			json_decref(tied);
			continue;
		}
		by_loss(c, e->loss, order);
		for (int i = 0; i < c->n; i++) {
			const int k = order[i];
			if (isfinite(e->loss[k].mean))
				entries = ur_also(entries, json_pack("{s:s, s:o}", "name", c->of[k].name, "loss",
					ur_interval(&e->loss[k])));
			if (e->tied[k] && k != e->leader)
				tied = ur_also(tied, json_string(c->of[k].name));
		}
		list = ur_also(list, json_pack("{s:s, s:f, s:f, s:f, s:s, s:s, s:o, s:o, s:o}", "axis", ur_axis_name(e->axis),
			"at", e->at, "low", e->low, "high", e->high, "when", e->finished ? "finished" : "before the rate falls",
			"of", e->finished ? "held-out" : "validation", "entries", entries, "leader", name_of(c, e->leader),
			"tied", tied));
	}
	return list;
}

static json_t *leads_json(const ur_comparison *c)
{
	json_t *list = json_array();

	for (ur_axis axis = 0; axis < UR_AXES; axis++) {
		json_t *stretches = json_array();
		for (int l = 0; l < c->leads[axis]; l++) {
			const ur_lead *lead = &c->lead[axis][l];
			stretches = ur_also(stretches, json_pack("{s:f, s:f, s:o}", "from", lead->from, "to", lead->to, "name",
				name_of(c, lead->who)));
		}
		list = ur_also(list, json_pack("{s:s, s:o}", "axis", ur_axis_name(axis), "stretches", stretches));
	}
	return list;
}

static json_t *crossovers_json(const ur_comparison *c)
{
	json_t *list = json_array();

	for (int what = 0; what < 2; what++)
		for (int i = 0; i < c->crossings[what]; i++) {
			const ur_pair_cross *p = &c->crossing[what][i];
			const int never = p->cross.kind == UR_CROSS_NONE_A || p->cross.kind == UR_CROSS_NONE_B;
			const int first = never ? p->cross.kind == UR_CROSS_NONE_B : p->cross.first;
			if (p->cross.kind == UR_CROSS_UNKNOWN)
				continue;
			list = ur_also(list, json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}",
				"a", name_of(c, p->a), "b", name_of(c, p->b), "what", what ? "step" : "prefill",
				"kind", never ? "never" : p->cross.kind == UR_CROSS_AT ? "at" : "often",
				"first", name_of(c, first ? p->b : p->a), "at", never ? json_null() : ur_fact_real(p->cross.at),
				"low", never ? json_null() : ur_fact_real(p->cross.low),
				"high", never ? json_null() : ur_fact_real(p->cross.high)));
		}
	return list;
}

static json_t *by_length_json(const ur_comparison *c)
{
	json_t *list = json_array();

	for (int l = 0; l < c->lengths; l++) {
		const ur_by_length *b = &c->by_length[l];
		json_t *entries = json_array();
		for (int i = 0; i < c->n; i++)
			if (!c->of[i].diverged)
				entries = ur_also(entries, json_pack("{s:s, s:b, s:o, s:o}", "name", c->of[i].name, "predicted", 1,
					"tokens", ur_fact_real(b->tokens[i]), "loss", ur_fact_real(b->loss[i])));
		list = ur_also(list, json_pack("{s:I, s:o, s:o}", "T", (json_int_t)b->T, "entries", entries,
			"winner", name_of(c, b->winner)));
	}
	return list;
}

static json_t *order_json(const ur_comparison *c)
{
	json_t *list = json_array();

	for (int s = 0; s < c->seeds; s++) {
		json_t *order = json_array();
		for (int i = 0; i < c->ordered; i++)
			order = ur_also(order, name_of(c, c->order[s][i]));
		list = ur_also(list, order);
	}
	return json_pack("{s:o, s:b}", "by_seed", list, "same", c->same_order);
}

static json_t *advice_json(const ur_comparison *c)
{
	const ur_advice *a = &c->advice;
	json_t *needs = json_array();

	for (int i = 0; i < a->needs; i++)
		needs = ur_also(needs, json_pack("{s:s, s:o, s:o, s:o}", "need", a->need[i].need,
			"name", name_of(c, a->need[i].who), "why", text(a->need[i].why), "sure", text(a->need[i].sure)));
	return json_pack("{s:o, s:o, s:o, s:o}", "pick", name_of(c, a->pick), "best", name_of(c, a->best),
		"text", text(a->text), "needs", needs);
}

static json_t *data_json(const ur_compare *what, const ur_comparison *c)
{
	const ur_vocab *vocab = what->pairs ? ur_pairs_vocab(what->pairs, UR_TARGET) : ur_corpus_vocab(what->corpus);
	char hex[20];
	json_t *json;

	(void)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)what->fingerprint);
	json = json_pack("{s:o, s:o, s:s, s:s, s:i, s:o}", "path", text(what->data),
		"name", what->data ? text(ur_path_tail(strrchr(what->data, '/') ? strrchr(what->data, '/') + 1 : what->data))
		                   : json_null(),
		"fingerprint", hex, "vocabulary", ur_vocab_kind_of(vocab), "vocabulary_size", ur_vocab_size(vocab),
		"note", text(what->note));
	json = ur_with(json, "train_tokens", integer(c->train_tokens));
	json = ur_with(json, "val_tokens", integer(c->val_tokens));
	json = ur_with(json, "test_tokens", integer(c->test_tokens));
	json = ur_with(json, "heldout_is_test", json_boolean(c->own_heldout));
	json = ur_with(json, "scored_tokens", integer(c->scored));
	return ur_with(json, "scored_bytes", integer(c->scored_bytes));
}

static json_t *machine_json(const ur_compare *what, const ur_comparison *c)
{
	char cpu[100];
	json_t *json;

	ur_cpu_name(cpu, sizeof cpu);
	json = json_pack("{s:o, s:i, s:s, s:o, s:o}", "processor", text(cpu), "threads", what->ctx->threads, "kernels",
		what->ctx->k->name, "peak_flops", ur_fact_real(c->speed.flops), "bandwidth", ur_fact_real(c->speed.bandwidth));
	json = ur_with(json, "memory_free", c->memory_free < 0 ? json_null() : integer(c->memory_free));
	return ur_with(json, "energy", json_boolean(c->energy));
}

static json_t *budget_json(const ur_compare *w)
{
	static const char *const kinds[] = { "seconds", "tokens", "flops", "total" };
	ur_number much;
	char line[120];

	if (w->kind == UR_BUDGET_SECONDS || w->kind == UR_BUDGET_TOTAL)
		ur_say_seconds(w->budget, much);
	else
		ur_say_count(w->budget, much);
	if (w->kind == UR_BUDGET_TOTAL)
		(void)snprintf(line, sizeof line, "%s for everything, the same training time for each run", much);
	else if (w->kind == UR_BUDGET_TOKENS && w->tokens)
		(void)snprintf(line, sizeof line, "a number of tokens for each architecture");
	else
		(void)snprintf(line, sizeof line, "%s%s for each run", much, w->kind == UR_BUDGET_SECONDS  ? " of training"
		               : w->kind == UR_BUDGET_TOKENS ? " tokens"
		                                             : " floating-point operations");
	return json_pack("{s:s, s:f, s:o, s:s}", "kind", kinds[w->kind], "value", w->budget, "total",
		w->kind == UR_BUDGET_TOTAL ? json_real(w->budget) : json_null(), "text", line);
}

static json_t *setting_json(const ur_compare *w, const ur_comparison *c)
{
	json_t *seeds = json_array(), *tuned = json_array(), *json;

	for (int s = 0; s < c->seeds; s++)
		seeds = ur_also(seeds, integer((int64_t)w->seed + s));
	for (int i = 0; i < w->tuned; i++)
		tuned = ur_also(tuned, json_string(w->tune[i]->name));
	json = json_pack("{s:I, s:i, s:i, s:o, s:o, s:i, s:o}", "target_parameters", (json_int_t)c->target,
		"window", c->window, "step_tokens", c->step_tokens, "seeds", seeds, "tuned", tuned,
		"trials", w->tuned ? w->trials : 0, "trial_share", ur_fact_real(c->share));
	json = ur_with(json, "schedule", json_string("trapezoid"));
	json = ur_with(json, "decay_share", json_real(UR_TRAPEZOID_FALL));
	json = ur_with(json, "context", c->context > 0 ? integer(c->context) : json_null());
	json = ur_with(json, "position", c->done && ur_common_position(c) >= 0 ? integer(ur_common_position(c))
	                                                                       : json_null());
	return ur_with(json, "prompt", text(c->prompt));
}

/* An option with a path, quoted only where a shell would mind; returns its length, at most the name's, four times the
 * path's and 2. */
static size_t option(char *out, const char *name, const char *path)
{
	const int plain = !path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%")];
	size_t n = strlen(name);

	memcpy(out, name, n);
	if (!plain)
		out[n++] = '\'';
	for (const char *s = path; *s; s++) {
		if (*s == '\'') {
			memcpy(out + n, "'\\''", 4);
			n += 4;
		} else {
			out[n++] = *s;
		}
	}
	if (!plain)
		out[n++] = '\'';
	out[n] = 0;
	return n;
}

/* The command that gives the same losses anywhere: sizes, tokens and rates by name. A budget of time does not. Null:
 * there is none. */
static json_t *again_json(const ur_compare *w, const ur_comparison *c)
{
	char out[16384];
	size_t at;
	json_t *json;

	if (!w->data || !c->done || strlen(w->data) + (w->target ? strlen(w->target) : 0) > 2000)
		return json_null();
	for (int i = 0; i < c->n; i++)
		if (!(c->of[i].recipe.lr > 0))
			return json_null();
	for (int i = 0; i < w->tuned; i++) /* no option says what these came to */
		if (strcmp(w->tune[i]->name, "lr"))
			return json_null();
	at = (size_t)snprintf(out, sizeof out, "unroll compare");
	at += option(out + at, " --data ", w->data);
	if (w->target)
		at += option(out + at, " --target ", w->target);
	for (int i = 0; i < c->n && at < sizeof out; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, " --arch %s", c->of[i].spec.text);
	for (int i = 0; i < c->n && at < sizeof out; i++) {
		char rate[40] = "";
		/* as few digits as say it exactly */
		for (int digits = 3; digits <= 17 && !(fabs(strtod(rate, NULL) - c->of[i].recipe.lr) <= 0); digits++)
			(void)snprintf(rate, sizeof rate, "%.*g", digits, c->of[i].recipe.lr);
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%s", i ? "," : " --lr ", rate);
	}
	for (int i = 0; i < c->n && at < sizeof out; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%lldtok", i ? "," : " --budget ",
			(long long)c->of[i].tokens);
	if (at < sizeof out)
		at += (size_t)snprintf(out + at, sizeof out - at, " --seq-len %d --step-tokens %d --seeds %d --seed %llu%s",
			c->window, c->step_tokens, c->seeds, (unsigned long long)w->seed, w->words ? w->words : "");
	json = at < sizeof out ? text(out) : json_null();
	return json;
}

static json_t *stage_json(const ur_comparison *c, const ur_stage *s)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "what", s->what, "name", name_of(c, s->contender),
		"seed", s->contender >= 0 && s->seed >= 0 ? integer((int64_t)c->of[s->contender].run[s->seed].seed)
		                                          : json_null(),
		"share", ur_fact_real(s->share), "eta", ur_fact_real(s->eta));
}

json_t *ur_comparison_json(const ur_compare *what, const ur_comparison *c, const ur_stage *stage)
{
	json_t *json = json_pack("{s:i, s:s, s:o, s:o}", "schema", 1, "state", c->done ? "done" : "running", "started",
		ur_fact_real(c->started), "seconds", ur_fact_real(c->seconds)), *list = json_array();

	json = ur_with(json, "stage", stage ? stage_json(c, stage) : json_null());
	json = ur_with(json, "version", json_string(UNROLL_VERSION));
	json = ur_with(json, "command", text(what->command));
	json = ur_with(json, "again", again_json(what, c));
	json = ur_with(json, "data", data_json(what, c));
	json = ur_with(json, "machine", machine_json(what, c));
	json = ur_with(json, "budget", budget_json(what));
	json = ur_with(json, "setting", setting_json(what, c));
	for (int i = 0; i < c->n; i++)
		list = ur_also(list, contender_json(what, c, &c->of[i]));
	json = ur_with(json, "contenders", list);
	json = ur_with(json, "pairs", what->pairs ? ur_pairs_json(what, c) : json_null());
	if (!c->done)
		return json;
	json = ur_with(json, "equal", equal_json(c));
	json = ur_with(json, "leads", leads_json(c));
	json = ur_with(json, "crossovers", crossovers_json(c));
	json = ur_with(json, "by_length", by_length_json(c));
	json = ur_with(json, "order", order_json(c));
	return ur_with(json, "advice", advice_json(c));
}
