/* What the facts show: charts, tables, figures, questions. */
#include "lab/distance_seen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TASKS = UR_DISTANCE_TASKS, NAME = 80 };

/* -- charts -- */

/* The geometric means of each stretch of distances, as a share of the one at distance 1. */
static void line_of(ur_section *s, json_t *chart, const char *name, const char *model, const json_t *reach)
{
	const json_t *bins = json_object_get(reach, "bins");
	const double one = json_number_value(json_array_get(json_array_get(bins, 1), 3));
	json_t *line, *bin;
	size_t i;

	if (!(one > 0))
		return;
	line = ur_chart_line(s, chart, name, model, UR_MEASURED);
	json_array_foreach((json_t *)(uintptr_t)bins, i, bin) {
		const double from = json_number_value(json_array_get(bin, 0)), to = json_number_value(json_array_get(bin, 1));
		const double share = json_number_value(json_array_get(bin, 3)) / one;
		if (i && share > 1e-30) /* smaller ones float32 does not hold */
			ur_line_point(s, line, sqrt(from * to), share, NAN, NAN);
	}
}

static void draw_task(const ur_seen *f, int task, ur_section *s)
{
	static const ur_axis_of x = { "distance", "steps", 1 }, y = { "gradient, as a share of that at distance 1", "", 1 };
	char title[120], about[400], name[NAME];
	json_t *chart, *line;
	ur_said T;

	(void)snprintf(title, sizeof title, task < 0 ? "The gradient of an answer, before training" :
	               "The gradient of an answer, after training on %s", task < 0 ? "" : ur_distance_tasks[task]);
	(void)snprintf(about, sizeof about, "Geometric means over stretches of distances, along sequences of T = %s. "
	               "The dashed line is 0.99 to the power of the distance.%s", ur_seen_length(f->reach, T),
	               task < 0 ? "" : " Models are of the longest length each solved, else of the shortest.");
	chart = ur_section_chart(s, title, about, &x, &y);
	for (int i = 0; i < f->n; i++) {
		const ur_seen_mixer *m = &f->of[i];
		const int failed = task >= 0 && !m->on[task].solved;
		(void)snprintf(name, sizeof name, "%s%s", m->name, failed ? ", not solved" : "");
		line_of(s, chart, name, m->name, task < 0 ? m->start : m->on[task].reach);
	}
	line = ur_chart_line(s, chart, "0.99 a step", NULL, UR_DERIVED);
	for (int d = 1; d <= f->reach; d *= 2)
		ur_line_point(s, line, d, pow(0.99, d - 1), NAN, NAN);
}

static void draw(const ur_seen *f, ur_section *s)
{
	for (int task = -1; task < TASKS; task++) {
		int any = 0;
		for (int i = 0; i < f->n; i++)
			any |= (task < 0 ? f->of[i].start : f->of[i].on[task].reach) != NULL;
		if (any)
			draw_task(f, task, s);
	}
}

/* -- tables -- */

/* "distances 1 to 63, off by 1.2 times" */
static void fit_text(const json_t *reach, char *out, size_t room)
{
	const double off = ur_seen_off(reach), fitted = ur_fact_at(reach, "fitted");
	ur_said to, times;
	int n;

	(void)ur_seen_length(isnan(fitted) ? 0 : (int)fitted, to);
	n = snprintf(out, room, "distances 1 to %s", isnan(fitted) ? "an unknown one" : to);
	if (off < 9.95)
		(void)snprintf(times, sizeof times, "%.1f", off);
	else
		(void)ur_tell_count(rint(off), times);
	if (!isnan(off) && n > 0 && (size_t)n < room)
		(void)snprintf(out + n, room - (size_t)n, ", off by %s times", times);
}

static void decay_cell(ur_section *s, json_t *row, const ur_seen_task *on)
{
	char fit[80], seeds[60] = "";
	ur_said T;

	if (isnan(on->decay)) {
		ur_row_cell(s, row, NAN, UR_MEASURED, on->tried || on->part ? "none" : "not measured");
		return;
	}
	fit_text(on->reach, fit, sizeof fit);
	if (on->low < on->high)
		(void)snprintf(seeds, sizeof seeds, "; seeds %.3f to %.3f", on->low, on->high);
	ur_row_cell(s, row, on->decay, UR_MEASURED, "%.3f (%sT = %s%s; %s)", on->decay, on->solved ? "" : "not solved, ",
	            ur_seen_length(on->at, T), seeds, fit);
}

static void tabulate_decays(const ur_seen *f, ur_section *s)
{
	static const char *const columns[] = { "Mixer", "before training", "adding", "copy", "recall", NULL };
	json_t *t = ur_section_table(s, "What a step back leaves of the gradient", "The factor a step that was fitted, "
		"before training and after training on each task: the mean of the seeds that solved the longest length solved. "
		"Where none was, it is of models that failed at the shortest, and marked: they learnt little or nothing. In "
		"brackets also the distances the line was fitted over, and by what factor a stretch of them (1, 2 to 3, 4 to 7 "
		"and so on) is off it at most, of the first of these seeds.", columns);

	for (int i = 0; i < f->n; i++) {
		const ur_seen_mixer *m = &f->of[i];
		json_t *row = ur_table_row(s, t, m->name);
		char fit[80];

		fit_text(m->start, fit, sizeof fit);
		if (isnan(m->start_decay))
			ur_row_cell(s, row, NAN, UR_MEASURED, "not measured");
		else
			ur_row_cell(s, row, m->start_decay, UR_MEASURED, "%.3f (%s)", m->start_decay, fit);
		for (int task = 0; task < TASKS; task++)
			decay_cell(s, row, &m->on[task]);
	}
}

static void solved_cell(ur_section *s, json_t *row, const ur_seen *f, const ur_seen_task *on)
{
	char tried[120] = "", part[120] = "";
	ur_said T, at, tokens;

	if (on->part)
		(void)snprintf(part, sizeof part, "T = %s: time was up after %d of %d seeds, solved by %d",
		               ur_seen_length(on->part, T), on->part_runs, f->seeds, on->part_did);
	if (!on->tried) {
		ur_row_cell(s, row, NAN, UR_MEASURED, "%s", on->part ? part : "not run");
		return;
	}
	if (on->tried > on->solved)
		(void)snprintf(tried, sizeof tried, "T = %s: %d of %d seed%s within %s tokens", ur_seen_length(on->tried, T),
		               on->tried_by, f->seeds, f->seeds == 1 ? "" : "s", ur_tell_count(f->tokens, tokens));
	if (on->solved)
		ur_row_cell(s, row, on->solved, UR_MEASURED, "%s (%d of %d seed%s; %s)", ur_seen_length(on->solved, at),
		            on->solved_by, f->seeds, f->seeds == 1 ? "" : "s",
		            *tried ? tried : *part ? part : "no longer one was tried");
	else
		ur_row_cell(s, row, 0, UR_MEASURED, "none (%s)", tried);
}

static void tabulate_lengths(const ur_seen *f, ur_section *s)
{
	static const char *const columns[] = { "Mixer", "adding", "copy", "recall", "adding, squared error", NULL };
	char about[800];
	ur_said tokens, T;
	json_t *t;

	(void)snprintf(about, sizeof about, "The longest T that at least half of %d seed%s solved, each within %s tokens; "
		"a length counts once all of them were run. Published, at many times the size (Bai et al. 2018): adding, T = "
		"600, squared error: LSTM .164, GRU 5.3e-5, RNN .177 (always answering 1: .1767; here: .1650); copy, T = "
		"1,000, loss over all positions: LSTM .0204, GRU .0197, RNN .0202 (no learning: .0206).", f->seeds,
		f->seeds == 1 ? "" : "s", ur_tell_count(f->tokens, tokens));
	t = ur_section_table(s, "The longest length solved", about, columns);
	for (int i = 0; i < f->n; i++) {
		const ur_seen_task *adding = &f->of[i].on[0];
		json_t *row = ur_table_row(s, t, f->of[i].name);

		for (int task = 0; task < TASKS; task++)
			solved_cell(s, row, f, &f->of[i].on[task]);
		if (isnan(adding->mse))
			ur_row_cell(s, row, NAN, UR_MEASURED, "not measured");
		else
			ur_row_cell(s, row, adding->mse, UR_MEASURED, "%.2g at T = %s", adding->mse,
			            ur_seen_length(adding->tried, T));
	}
}

static void tabulate_gates(const ur_seen *f, ur_section *s)
{
	static const char *const columns[] = { "Trained on", "mean", "10 %", "median", "90 %", "kept over 100", "over 500",
		"slowest, over 500", NULL };
	static const char *const paths[] = { "mean", "low", "median", "high", "kept_100", "kept_500", "slowest_500" };
	json_t *t, *row;
	int any = 0;

	for (int task = 0; task < TASKS; task++)
		any |= f->gates[task].fact != NULL;
	if (!any)
		return;
	t = ur_section_table(s, "Forget gates of trained LSTMs", "All units at all of 500 steps, of the longest length "
		"solved; and what a unit keeps of what it held, the product of its gates: of the middle unit, and of the one "
		"that keeps most. LSTMs that did not solve their task are marked: no finding goes by them.", columns);
	for (int task = 0; task < TASKS; task++) {
		const ur_seen_gates *g = &f->gates[task];
		char name[NAME];
		ur_said T;

		if (!g->fact)
			continue;
		(void)snprintf(name, sizeof name, "%s, T = %s%s", ur_distance_tasks[task], ur_seen_length(g->at, T),
		               g->solved ? "" : ", not solved");
		row = ur_table_row(s, t, name);
		for (int k = 0; k < 7; k++) {
			const double x = ur_fact_at(g->fact, paths[k]);
			if (isnan(x))
				ur_row_cell(s, row, NAN, UR_MEASURED, "not measured");
			else
				ur_row_cell(s, row, x, UR_MEASURED, k < 4 ? "%.3f" : "%.2g", x);
		}
	}
	row = ur_table_row(s, t, "always 0.99");
	for (int k = 0; k < 7; k++) {
		const double x = pow(0.99, k == 4 ? 100 : k > 4 ? 500 : 1);
		ur_row_cell(s, row, x, UR_DERIVED, k < 4 ? "%.3f" : "%.2g", x);
	}
}

/* -- figures -- */

/* Of a model that learnt something, on the first task it solved; else of the untrained one. The text says which. */
static void decay_figure(const ur_seen_mixer *m, ur_section *s)
{
	char name[NAME];

	(void)snprintf(name, sizeof name, "decay_%s", m->name);
	for (int task = 0; task < TASKS; task++)
		if (m->on[task].solved && !isnan(m->on[task].decay)) {
			ur_section_figure(s, name, m->on[task].decay, UR_MEASURED, "%.3f, %s", m->on[task].decay,
			                  ur_distance_tasks[task]);
			return;
		}
	if (!isnan(m->start_decay)) /* as long as the front page still shows large */
		ur_section_figure(s, name, m->start_decay, UR_MEASURED, "%.3f, untrained", m->start_decay);
}

static void figures(const ur_seen *f, ur_section *s)
{
	const int task = ur_seen_gates_task(f);
	char name[NAME];
	ur_said T;

	for (int i = 0; i < f->n; i++) {
		const ur_seen_mixer *m = &f->of[i];
		if (!isnan(m->start_decay)) {
			(void)snprintf(name, sizeof name, "decay_start_%s", m->name);
			ur_section_figure(s, name, m->start_decay, UR_MEASURED, "%.3f", m->start_decay);
		}
		decay_figure(m, s);
		if (m->on[0].tried) {
			(void)snprintf(name, sizeof name, "solved_%s", m->name);
			ur_section_figure(s, name, m->on[0].solved, UR_MEASURED, "%s", ur_seen_length(m->on[0].solved, T));
		}
	}
	if (task >= 0) {
		const json_t *gates = f->gates[task].fact;
		ur_section_figure(s, "gate_product_100", ur_fact_at(gates, "kept_100"), UR_MEASURED, "%.2g",
		                  ur_fact_at(gates, "kept_100"));
		ur_section_figure(s, "gate_product_500", ur_fact_at(gates, "kept_500"), UR_MEASURED, "%.2g",
		                  ur_fact_at(gates, "kept_500"));
	}
}

/* -- questions -- */

static void ask_share(const ur_seen_mixer *m, const char *question, ur_section *s)
{
	static const char *const choices[] = { "More than half", "Less than half, more than a thousandth",
		"Less than a thousandth", NULL };
	const double x = m ? ur_seen_share(m->start, 20) : NAN;
	char because[300];

	if (isnan(x))
		return;
	(void)snprintf(because, sizeof because, "A share of %.2g was left from distance 1 to distance 21, between the "
	               "stretches of distances that were measured.", x);
	ur_section_question(s, question, choices, x > 0.5 ? 0 : x > 0.001 ? 1 : 2, because);
}

static void ask(const ur_seen *f, ur_section *s)
{
	static const char *const who[] = { "The RNN's", "The new LSTM's", "They are within a tenth of each other", NULL };
	static const char *const longer[] = { "Attention", "The RNN", "Both the same", NULL };
	static const char *const gates[] = { "More than 0.99 a step would", "Less than 0.99 a step would", NULL };
	const int task = ur_seen_gates_task(f);
	char because[300];
	ur_said T[2];

	ask_share(f->rnn, "How much of the gradient does a new vanilla RNN send back over 20 steps?", s);
	if (f->rnn && f->lstm && !isnan(f->rnn->start_decay) && !isnan(f->lstm->start_decay)) {
		const double r = f->rnn->start_decay, l = f->lstm->start_decay;
		(void)snprintf(because, sizeof because, "Fitted before training: RNN %.3f, LSTM %.3f a step. A new forget gate "
		               "stands near a half: what it can do it has yet to learn.", r, l);
		ur_section_question(s, "Before any training, whose gradient reaches further back, by the fitted factor a step?",
		                    who, fabs(r - l) < 0.1 * fmax(r, l) ? 2 : r > l ? 0 : 1, because);
	}
	if (f->rnn && f->attention && f->rnn->on[0].tried && f->attention->on[0].tried &&
	    ur_seen_apart(&f->attention->on[0], &f->rnn->on[0])) {
		const int a = f->attention->on[0].solved, r = f->rnn->on[0].solved;
		(void)snprintf(because, sizeof because, "Longest adding problem solved: attention %s, RNN %s.",
		               ur_seen_length(a, T[0]), ur_seen_length(r, T[1]));
		ur_section_question(s, "Which learns the longer adding problem from the same number of tokens?", longer,
		                    a > r ? 0 : a < r ? 1 : 2, because);
	}
	if (task >= 0) {
		const double kept = ur_fact_at(f->gates[task].fact, "kept_500");
		(void)snprintf(because, sizeof because, "The middle unit's gates multiply to %.2g over 500 steps, of the LSTM "
		               "that solved %s at T = %s; 0.99 to the 500th is 0.0066.", kept, ur_distance_tasks[task],
		               ur_seen_length(f->gates[task].at, T[0]));
		ur_section_question(s, "What does the middle unit of a trained LSTM keep over 500 steps?", gates,
		                    kept < UR_KEPT_99, because);
	}
	ask_share(f->attention, "And how much does new attention send back over the same 20 steps?", s);
}

void ur_distance_tell(const ur_seen *f, ur_section *s)
{
	if (!f->n || !f->seeds)
		return;
	draw(f, s);
	tabulate_decays(f, s);
	tabulate_lengths(f, s);
	tabulate_gates(f, s);
	if (f->cheat) /* no number of it may stand in the summary */
		return;
	figures(f, s);
	ask(f, s);
}
