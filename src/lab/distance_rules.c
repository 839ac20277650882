/* What the facts come to: the findings. */
#include "lab/distance_seen.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TASKS = UR_DISTANCE_TASKS, WORDS = 1200 };

static void add(char *words, const char *format, ...) UR_PRINTF(2, 3);
static void add(char *words, const char *format, ...)
{
	const size_t n = strlen(words);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(words + n, WORDS - n, format, list);
	va_end(list);
}

static void put(ur_section *s, const ur_seen *f, ur_finding *finding)
{
	char words[WORDS] = "", by[40] = "what is no number";

	if (f->cheat) { /* whoever looks ahead makes every comparison worthless */
		if (isfinite(f->cheats))
			(void)snprintf(by, sizeof by, "up to %.3g", f->cheats);
		add(words, "%s looks ahead: an earlier output depends on a later input, by %s, where it must be exactly 0. "
			"Nothing measured with it counts.", f->cheat, by);
		finding->found = UR_FAILS;
		finding->condition = NULL;
		finding->words = words;
	}
	ur_section_finding(s, finding);
}

/* "LSTM 0.950 (T = 32)", "RNN 0.500 (T = 16, not solved)" */
static void add_factor(char *words, const char *who, const ur_seen_task *on, int digits)
{
	ur_said T;
	add(words, "%s %.*f (T = %s%s)", who, digits, on->decay, ur_seen_length(on->at, T),
	    on->solved ? "" : ", not solved");
}

/* Why a task does not count. */
static void leave_out(char *out, int task, const char *why)
{
	add(out, "%s %s (%s)", *out ? "," : " Not counted:", ur_distance_tasks[task], why);
}

static const double FADES = 0.95;

static void find_fades(const ur_seen *f, ur_section *s)
{
	ur_finding g = { .name = "fades",
		.claim = "In a vanilla RNN the gradient of an answer fades exponentially with the distance to what caused it.",
		.prediction = "A fresh recurrent matrix with entries drawn from -1/sqrt(H) to 1/sqrt(H) has a spectral radius "
			"near sqrt(1/3) = 0.577, and the slope of tanh only lowers it: about 0.55 to 0.6 a step.",
		.rule = "The factor a step fitted to the RNN's gradients before training is below 0.95 (0.95 to the 100th is "
			"0.006).",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "";
	int n = 0;

	if (f->rnn && !isnan(f->rnn->start_decay)) {
		const double d = f->rnn->start_decay;
		g.found = d < FADES ? UR_HOLDS : UR_FAILS;
		add(words, "Each step back leaves %.3f of the gradient: %.1e after 50 steps (0.99 a step would leave 0.61).",
		    d, pow(d, 50));
		for (int task = 0; task < TASKS; task++) {
			if (isnan(f->rnn->on[task].decay))
				continue;
			add(words, "%s ", n++ ? ";" : " After training:");
			add_factor(words, ur_distance_tasks[task], &f->rnn->on[task], 3);
		}
		add(words, "%s", n ? "." : "");
		g.words = words;
	}
	put(s, f, &g);
}

static const double FURTHER = 1.5;

/* Whether the gradient of all seeds of one halves over so much longer a distance than that of any seed of the RNN, and
 * than it did before training where failing to learn may have made it worse. */
static int reaches_further(const ur_seen_task *gated, const ur_seen_mixer *rnn, int task)
{
	const ur_seen_task *on = &rnn->on[task];
	const double most = on->solved ? on->high : fmax(on->high, rnn->start_decay);
	return most > 0 && most < 1 && gated->low > 0 && -log(gated->low) * FURTHER <= -log(most);
}

static void find_gates_reach(const ur_seen *f, ur_section *s)
{
	ur_finding g = { .name = "gates_reach",
		.claim = "Gates carry the gradient further than the vanilla RNN does, once they are trained.",
		.prediction = "Along an LSTM's cell the factor a step is its forget gate, about a half before training and as "
			"near to 1 as it learns to be; a GRU's is 1 less its update gate.",
		.rule = "A task counts where LSTM and GRU both solved it. There, by the fitted factor a step, the distance "
			"over which the gradient halves is at least 1.5 times the RNN's for LSTM and for GRU, the least of their "
			"seeds against the most of the RNN's; each at the longest length it solved; where the RNN "
			"solved none, at the shortest or before training, whichever is more. On all three tasks: it holds; on "
			"some: under that condition.",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "", condition[WORDS] = "only on", out[WORDS] = "";
	int n = 0, wins = 0, any = 0;

	for (int task = 0; f->rnn && f->lstm && f->gru && task < TASKS; task++) {
		const ur_seen_task *rnn = &f->rnn->on[task], *lstm = &f->lstm->on[task], *gru = &f->gru->on[task];

		any |= rnn->tried && lstm->tried && gru->tried;
		if (!rnn->tried || !lstm->tried || !gru->tried) {
			leave_out(out, task, "not all seeds were run");
		} else if (!lstm->solved || !gru->solved) {
			leave_out(out, task, lstm->solved ? "the GRU did not solve it" : gru->solved ?
			          "the LSTM did not solve it" : "neither LSTM nor GRU solved it");
		} else if (isnan(rnn->decay) || isnan(lstm->decay) || isnan(gru->decay)) {
			leave_out(out, task, "no factor could be fitted");
		} else {
			add(words, "%s%s: ", n++ ? "; " : "Factors a step on ", ur_distance_tasks[task]);
			add_factor(words, "RNN", rnn, 3);
			add_factor(words, ", LSTM", lstm, 3);
			add_factor(words, ", GRU", gru, 3);
			if (reaches_further(lstm, f->rnn, task) && reaches_further(gru, f->rnn, task))
				add(condition, "%s %s", wins++ ? "," : "", ur_distance_tasks[task]);
		}
	}
	if (any) {
		g.found = !n ? UR_MISSING : wins == TASKS ? UR_HOLDS : wins ? UR_HOLDS_IF : UR_FAILS;
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		add(words, "%s%s%s Before training: RNN %.3f, LSTM %.3f, GRU %.3f.", n ? "." : "No task counts.", out,
		    *out ? "." : "", f->rnn->start_decay, f->lstm->start_decay, f->gru->start_decay);
		g.words = words;
	}
	put(s, f, &g);
}

static const double FLAT = 0.98;

static void find_flat(const ur_seen *f, ur_section *s)
{
	ur_finding g = { .name = "attention_flat",
		.claim = "With attention the gradient does not fade exponentially with distance: any position is one step "
			"away.",
		.prediction = "Fresh attention weighs all positions about alike, so the gradient is about as large at every "
			"distance: a factor of 1 a step.",
		.rule = "The factor a step fitted to attention's gradients from distance 1 on is at least 0.98 before "
			"training; and after training that of all seeds is at least 0.98 and above those of the RNN, each at the "
			"longest length it solved (the RNN where it solved none at the shortest). A task counts where attention "
			"solved it. On all three tasks: it holds; on some: under that condition.",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "", condition[WORDS] = "only on", out[WORDS] = "";
	const double start = f->attention ? f->attention->start_decay : NAN;
	int flat = 0, n = 0;

	if (!isnan(start)) {
		add(words, "Each step back leaves %.4f of the gradient before training", start);
		for (int task = 0; task < TASKS; task++) {
			const ur_seen_task *a = &f->attention->on[task], *rnn = f->rnn ? &f->rnn->on[task] : NULL;

			if (!rnn || !rnn->tried || !a->tried) {
				leave_out(out, task, "not all seeds were run");
			} else if (!a->solved) {
				leave_out(out, task, "attention did not solve it");
			} else if (isnan(a->decay) || isnan(rnn->decay)) {
				leave_out(out, task, "no factor could be fitted");
			} else {
				add(words, "%s ", n++ ? "," : "; after it on");
				add_factor(words, ur_distance_tasks[task], a, 4);
				if (a->low >= FLAT && a->low > rnn->high)
					add(condition, "%s %s", flat++ ? "," : "", ur_distance_tasks[task]);
			}
		}
		add(words, ".%s%s", out, *out ? "." : "");
		if (!(start >= FLAT))
			g.found = UR_FAILS;
		else
			g.found = !n ? UR_MISSING : flat == TASKS ? UR_HOLDS : flat ? UR_HOLDS_IF : UR_FAILS;
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		g.words = words;
	}
	put(s, f, &g);
}

static void find_forget(const ur_seen *f, ur_section *s)
{
	ur_finding g = { .name = "forget",
		.claim = "Gates slow the fading and do not end it: a forget gate of 0.99 keeps 0.0066 after 500 steps, and "
			"those of a trained LSTM are further from 1 than that.",
		.prediction = "0.99 to the 100th is 0.37, to the 500th 0.0066.",
		.rule = "What the middle unit of the LSTM that solved the longest sequences keeps over 500 steps, the product "
			"of its forget gates, is below 0.0066; where it is but the slowest unit keeps more: under that condition.",
		.found = UR_MISSING, .words = "Not measured yet." };
	const int task = ur_seen_gates_task(f);
	char words[WORDS] = "", condition[WORDS] = "";

	if (task >= 0) {
		const json_t *gates = f->gates[task].fact;
		const double kept = ur_fact_at(gates, "kept_500"), slowest = ur_fact_at(gates, "slowest_500");
		ur_said T;

		g.found = !(kept < UR_KEPT_99) ? UR_FAILS : slowest < UR_KEPT_99 ? UR_HOLDS : UR_HOLDS_IF;
		add(condition, "of the typical unit: the slowest keeps %.2g after 500 steps", slowest);
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		add(words, "Of the LSTM that solved %s at T = %s, forget gates are %.3f on average (80 %% of them from %.3f to "
			"%.3f). The middle unit keeps %.2g over 100 steps and %.2g over 500, the slowest %.2g and %.2g.",
			ur_distance_tasks[task], ur_seen_length(f->gates[task].at, T), ur_fact_at(gates, "mean"),
			ur_fact_at(gates, "low"), ur_fact_at(gates, "high"), ur_fact_at(gates, "kept_100"), kept,
			ur_fact_at(gates, "slowest_100"), slowest);
		g.words = words;
	}
	for (int i = 0; task < 0 && i < TASKS; i++)
		if (f->gates[i].fact)
			g.words = "No LSTM solved any task here: the gates of one that learnt nothing tell nothing.";
	put(s, f, &g);
}

static void find_solved(const ur_seen *f, ur_section *s)
{
	ur_finding g = { .name = "solved",
		.claim = "Within the same number of tokens read, attention learns longer tasks than a vanilla RNN.",
		.prediction = NULL,
		.rule = "The longest length that at least half of the seeds solve is longer with attention than with the RNN. "
			"A task tells them apart where at least the lesser one failed at the next length, and one of them solved "
			"any. Longer on all three tasks: it holds; on some, and on none shorter: under that condition.",
		.found = UR_MISSING, .words = "Not measured yet." };
	char words[WORDS] = "", condition[WORDS] = "only on";
	int n = 0, apart = 0, more = 0, less = 0;

	for (int task = 0; f->rnn && f->attention && task < TASKS; task++) {
		const ur_seen_task *a = &f->attention->on[task], *r = &f->rnn->on[task];
		if (!a->tried || !r->tried)
			continue;
		add(words, "%s%s:", n++ ? "; " : "Longest solved, ", ur_distance_tasks[task]);
		for (int i = 0; i < f->n; i++) {
			const ur_seen_task *on = &f->of[i].on[task];
			ur_said T;
			add(words, "%s %s %s", i ? "," : "", f->of[i].name, on->tried ? ur_seen_length(on->solved, T) : "not run");
		}
		if (!ur_seen_apart(a, r))
			continue;
		apart++;
		less += a->solved < r->solved;
		if (a->solved > r->solved)
			add(condition, "%s %s", more++ ? "," : "", ur_distance_tasks[task]);
	}
	if (n) {
		ur_said tokens, from, to;
		add(words, ". Each run read at most %s tokens; lengths double from %s, at most to %s.",
		    ur_tell_count(f->tokens, tokens), ur_seen_length(f->shortest, from), ur_seen_length(f->longest, to));
		if (!apart)
			add(words, " No task told attention and the RNN apart.");
		g.found = !apart ? UR_MISSING : more == TASKS ? UR_HOLDS : more && !less ? UR_HOLDS_IF : UR_FAILS;
		g.condition = g.found == UR_HOLDS_IF ? condition : NULL;
		g.words = words;
	}
	put(s, f, &g);
}

void ur_distance_conclude(const json_t *facts, const json_t *others, ur_section *s)
{
	ur_seen f;

	(void)others;
	ur_seen_read(facts, &f);
	find_fades(&f, s);
	find_gates_reach(&f, s);
	find_flat(&f, s);
	find_forget(&f, s);
	find_solved(&f, s);
	ur_distance_tell(&f, s);
}
