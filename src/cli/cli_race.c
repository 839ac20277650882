/* Progress of a comparison: models side by side. */
#include "cli/cli_compare.h"

#include "base/machine.h"

#include <math.h>
#include <unistd.h>

enum { BAR = 16, NAMES = 14 };
static const double LIVE_EVERY = 0.2, PLAIN_EVERY = 10;

void ur_race_clear(ur_race *r)
{
	for (int i = 0; i < r->lines; i++)
		(void)fputs("\033[1A\033[K", stderr);
	r->lines = 0;
}

/* "lstm          seed 2 of 3  ########........  loss 1.812  val 1.790  21,900 tok/s" */
static void one_line(const ur_comparison *c, const ur_contender *k, int width)
{
	const ur_trained *of = NULL;
	char bar[BAR + 1], line[256];
	ur_short rate;
	int s, n, full;

	for (s = 0; s < c->seeds && !of; s++)
		if (k->run[s].state != UR_RUN_DONE)
			of = &k->run[s];
	n = snprintf(line, sizeof line, "%-*.*s", NAMES, NAMES - 1, k->name);
	if (k->diverged) {
		(void)snprintf(line + n, sizeof line - (size_t)n, "diverged");
	} else if (!of) {
		(void)snprintf(line + n, sizeof line - (size_t)n, "done");
	} else if (k->recipe.steps > 0) {
		full = (int)(BAR * of->step / k->recipe.steps);
		for (int i = 0; i < BAR; i++)
			bar[i] = i < full ? '#' : '.';
		bar[BAR] = 0;
		if (c->seeds > 1)
			n += snprintf(line + n, sizeof line - (size_t)n, "seed %d of %d  ", s, c->seeds);
		n += snprintf(line + n, sizeof line - (size_t)n, "%s %3.0f %%", bar,
		              100.0 * (double)of->step / (double)k->recipe.steps);
		if (isfinite(of->train_loss))
			n += snprintf(line + n, sizeof line - (size_t)n, "  loss %.3f", of->train_loss);
		if (isfinite(of->val_loss))
			n += snprintf(line + n, sizeof line - (size_t)n, "  val %.3f", of->val_loss);
		if (of->seconds > 0 && n < (int)sizeof line - 40)
			(void)snprintf(line + n, sizeof line - (size_t)n, "  %s tok/s",
			               ur_commas((int64_t)((double)of->tokens / of->seconds), rate));
	} else {
		(void)snprintf(line + n, sizeof line - (size_t)n, "%.*s", 100, k->spec.text);
	}
	(void)fprintf(stderr, "\033[K%.*s\n", width - 1, line);
}

int ur_race_due(ur_race *r, const char *stage, int width)
{
	const double now = ur_clock();

	if (!strcmp(stage, r->stage) && now - r->shown < (width ? LIVE_EVERY : PLAIN_EVERY))
		return 0;
	r->shown = now;
	(void)snprintf(r->stage, sizeof r->stage, "%s", stage);
	return 1;
}

void ur_race_line(ur_race *r, double share, double eta, const char *text, int width)
{
	char line[400] = "";
	ur_short left;
	int n = 0;

	if (share > 0)
		n = snprintf(line, sizeof line, "%3.0f %%, %s left  ", 100 * share, ur_time_text(eta, left));
	(void)snprintf(line + n, sizeof line - (size_t)n, "%s", text);
	if (width) {
		(void)fprintf(stderr, "\033[K%.*s\n", width - 1, line);
		r->lines++;
	} else {
		(void)fprintf(stderr, "%s\n", line);
	}
	(void)fflush(stderr);
}

int ur_race_show(void *arg, const ur_stage *s)
{
	ur_race *r = arg;
	const int width = r->quiet ? 0 : ur_terminal_width(STDERR_FILENO);
	const ur_contender *k = s->contender < 0 ? NULL : &s->so_far->of[s->contender];
	char stage[160], line[300];
	ur_short a, b;
	int n;

	if (r->quiet)
		return ur_stop_signal() != 0;
	n = snprintf(stage, sizeof stage, "%s%s%s", k ? k->name : "", k ? ": " : "", s->what);
	if (k && s->seed >= 0 && s->so_far->seeds > 1)
		(void)snprintf(stage + n, sizeof stage - (size_t)n, ", seed %d of %d", s->seed + 1, s->so_far->seeds);
	if (!ur_race_due(r, stage, width))
		return ur_stop_signal() != 0;
	n = snprintf(line, sizeof line, "%s", stage);
	if (s->step > 0)
		(void)snprintf(line + n, sizeof line - (size_t)n, "  step %s/%s  loss %.3f  lr %.2g", ur_commas(s->step, a),
		               ur_commas(s->steps, b), s->loss, s->lr);
	if (width) {
		ur_race_clear(r);
		for (int i = 0; i < s->so_far->n; i++)
			one_line(s->so_far, &s->so_far->of[i], width);
		r->lines = s->so_far->n;
	}
	ur_race_line(r, s->share, s->eta, line, width);
	return ur_stop_signal() != 0;
}
