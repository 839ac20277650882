/* What learning online comes to: a line now and then, and a table at the end. */
#include "cli/cli_learn.h"

#include "base/machine.h"

#include <inttypes.h>
#include <math.h>

static const struct { int who; const char *classes, *values; } rows[] = {
	{ UR_OF_MODEL, "the model", "the model" },
	{ UR_OF_FROZEN, "the same, frozen", "the same, frozen" },
	{ UR_OF_LAST, "the last answer again", "the last answer again" },
	{ UR_OF_USUAL, "the commonest answer so far", "the mean of all answers so far" },
};

/* The fading score that a line shows: the share that is right, or the root of the mean squared error. */
static double now_of(const ur_learned *g, int who)
{
	const ur_standing s = ur_prequential_of(&g->score, who);

	return g->says_values ? s.rmse_now : s.right_now.mean;
}

static const char *cell(double x, int share, ur_short out)
{
	if (isnan(x))
		(void)snprintf(out, sizeof(ur_short), "-");
	else if (share)
		(void)snprintf(out, sizeof(ur_short), "%.2f %%", 100 * x);
	else
		(void)snprintf(out, sizeof(ur_short), "%.5g", x);
	return out;
}

static json_t *mean_json(const ur_mean3 *m)
{
	return json_pack("{s:o,s:o,s:o}", "mean", ur_json_number(m->mean), "low", ur_json_number(m->low), "high",
	                 ur_json_number(m->high));
}

static json_t *standing_json(const ur_learned *g, int who)
{
	const ur_standing s = ur_prequential_of(&g->score, who);
	json_t *json = json_pack("{s:I,s:o,s:o}", "events", (json_int_t)s.n, "loss", ur_json_number(s.loss), "loss_now",
	                         ur_json_number(s.loss_now));

	if (g->says_values) {
		(void)json_object_set_new(json, "mae", ur_json_number(s.mae));
		(void)json_object_set_new(json, "mae_now", ur_json_number(s.mae_now));
		(void)json_object_set_new(json, "rmse", ur_json_number(s.rmse));
		(void)json_object_set_new(json, "rmse_now", ur_json_number(s.rmse_now));
	} else {
		(void)json_object_set_new(json, "accuracy", mean_json(&s.right));
		(void)json_object_set_new(json, "accuracy_now", mean_json(&s.right_now));
		(void)json_object_set_new(json, "kappa", ur_json_number(ur_prequential_kappa(&g->score, who, 0)));
		(void)json_object_set_new(json, "kappa_now", ur_json_number(ur_prequential_kappa(&g->score, who, 1)));
	}
	(void)json_object_set_new(json, "behind", mean_json(&s.behind));
	return json;
}

static json_t *score_json(const ur_learn_line *line, const ur_learned *g)
{
	json_t *json = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "events", (json_int_t)g->events, "unanswered",
		(json_int_t)g->unanswered, "bad", (json_int_t)line->bad, "drifts", (json_int_t)g->drifts, "last_drift",
		(json_int_t)g->last_drift, "skipped", (json_int_t)g->skipped, "restarts", (json_int_t)g->restarts, "resets",
		(json_int_t)g->resets);

	for (int who = 0; who < UR_CONTESTANTS; who++)
		(void)json_object_set_new(json, ur_contestant_name(who), standing_json(g, who));
	return json;
}

static void print_object(json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	(void)putchar('\n');
	(void)fflush(stdout);
	json_decref(json);
}

static void heads(ur_learn_line *line, const ur_learned *g)
{
	if (!line->heads)
		printf("%14s  %9s  %10s  %10s  %10s  %10s  %7s\n", "events", "a second", "model", "frozen", "last answer",
		       g->says_values ? "mean" : "commonest", "drifts");
	line->heads = 1;
}

void ur_learn_report(ur_learn_line *line, const ur_learned *g, double now)
{
	const double rate = now > line->clock ? (double)(g->events - line->events) / (now - line->clock) : NAN;
	ur_short a, b, c, d, e;

	line->clock = now;
	line->events = g->events;
	if (line->json) {
		json_t *json = score_json(line, g);

		(void)json_object_set_new(json, "rate", ur_json_number(rate));
		print_object(json);
		return;
	}
	heads(line, g);
	printf("%14s  %9.0f  %10s  %10s  %10s  %10s  %7" PRId64 "\n", ur_commas(g->events, a), rate,
	       cell(now_of(g, UR_OF_MODEL), !g->says_values, b), cell(now_of(g, UR_OF_FROZEN), !g->says_values, c),
	       cell(now_of(g, UR_OF_LAST), !g->says_values, d), cell(now_of(g, UR_OF_USUAL), !g->says_values, e),
		g->drifts);
	(void)fflush(stdout);
}

static void class_rows(const ur_learned *g)
{
	printf("\n%-30s  %10s  %19s  %10s  %8s  %10s\n", "answers right", "all", "95 %", "lately", "kappa", "events");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const ur_standing s = ur_prequential_of(&g->score, rows[i].who);
		ur_short a, b, c, d;

		if (s.n)
			printf("%-30s  %10s  %8.2f to %6.2f %%  %10s  %8s  %10s\n", rows[i].classes, cell(s.right.mean, 1, a),
			       100 * s.right.low, 100 * s.right.high, cell(s.right_now.mean, 1, b),
			       cell(ur_prequential_kappa(&g->score, rows[i].who, 0), 0, c), ur_commas(s.n, d));
	}
}

static void value_rows(const ur_learned *g)
{
	printf("\n%-30s  %12s  %12s  %12s  %12s  %10s\n", "errors", "RMSE", "RMSE lately", "MAE", "MAE lately", "events");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const ur_standing s = ur_prequential_of(&g->score, rows[i].who);
		ur_short a, b, c, d, e;

		if (s.n)
			printf("%-30s  %12s  %12s  %12s  %12s  %10s\n", rows[i].values, cell(s.rmse, 0, a), cell(s.rmse_now, 0, b),
			       cell(s.mae, 0, c), cell(s.mae_now, 0, d), ur_commas(s.n, e));
	}
}

static void behind_line(const ur_learned *g, int who, const char *name)
{
	const ur_standing s = ur_prequential_of(&g->score, who);
	const double unit = g->says_values ? 1 : 100;

	if (s.n > 1)
		printf("%s has %.4g%s more error an event than the model, %.4g to %.4g, on the events both were scored on\n",
		       name,
		       unit * s.behind.mean, g->says_values ? "" : " points", unit * s.behind.low, unit * s.behind.high);
}

void ur_learn_result(ur_learn_line *line, const ur_learned *g, double seconds, size_t bytes, const char *out)
{
	const int64_t peak = ur_memory_peak();
	ur_short a, b, c, d;

	if (line->json) {
		json_t *json = score_json(line, g);

		(void)json_object_set_new(json, "done", json_true());
		(void)json_object_set_new(json, "sitting_events", json_integer((json_int_t)(g->events - line->before)));
		(void)json_object_set_new(json, "seconds", ur_json_number(seconds));
		(void)json_object_set_new(json, "bytes", json_integer((json_int_t)bytes));
		(void)json_object_set_new(json, "peak_bytes", json_integer((json_int_t)peak));
		(void)json_object_set_new(json, "out", ur_json_string(out));
		print_object(json);
		return;
	}
	if (g->says_values)
		value_rows(g);
	else
		class_rows(g);
	printf("\n");
	behind_line(g, UR_OF_FROZEN, "frozen, it");
	behind_line(g, UR_OF_LAST, "the last answer");
	printf("%s events in %s", ur_commas(g->events - line->before, a), ur_time_text(seconds, b));
	if (line->before)
		printf(", %s with those of earlier sittings", ur_commas(g->events, c));
	printf("; %" PRId64 " drift%s", g->drifts, g->drifts == 1 ? "" : "s");
	if (g->drifts)
		printf(", the last at event %s", ur_commas(g->last_drift, c));
	printf("; the learner takes %s, whatever the number of events\n", ur_size_text((double)bytes, d));
	if (g->unanswered)
		printf("%s events had no answer: they were read, not scored\n", ur_commas(g->unanswered, a));
	if (line->bad)
		printf("%s events could not be read, and were passed over\n", ur_commas(line->bad, a));
	if (g->skipped)
		printf("%s events gave gradients that were not finite, and changed nothing; the weights went back to the "
		       "frozen ones %s times\n", ur_commas(g->skipped, a), ur_commas(g->restarts, b));
	if (out)
		printf("wrote %s\n", out);
}
