/* Progress of training: one live line on a terminal, a plain line every few seconds elsewhere; validations stay. */
#include "cli/cli_train.h"

#include "base/machine.h"

#include <math.h>
#include <stdarg.h>
#include <unistd.h>

enum { LINE = 320 };
static const double LIVE_EVERY = 0.1, PLAIN_EVERY = 5;

void ur_progress_start(ur_progress_line *p, int quiet)
{
	*p = (ur_progress_line){ .quiet = quiet, .started = ur_clock(), .shown = ur_clock() };
}

void ur_progress_clear(ur_progress_line *p)
{
	if (p->live)
		(void)fputs("\r\033[K", stderr);
	p->live = 0;
}

static void add(char *line, int width, const char *format, ...) UR_PRINTF(3, 4);
/* Adds a part where it still fits; later parts matter less. */
static void add(char *line, int width, const char *format, ...)
{
	char part[80];
	size_t n = strlen(line);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(part, sizeof part, format, list);
	va_end(list);
	if (n && n + 2 + strlen(part) > (size_t)width)
		return;
	(void)snprintf(line + n, LINE - n, "%s%.*s", n ? "  " : "", n ? (int)sizeof part : width, part);
}

static void compose(const ur_step_report *r, int width, char *line)
{
	ur_short a, b;

	line[0] = 0;
	add(line, width, "step %s/%s", ur_commas(r->step, a), ur_commas(r->steps, b));
	add(line, width, "loss %.4f", r->loss);
	if (r->step < r->steps)
		add(line, width, "ETA %s", ur_time_text(r->eta, a));
	add(line, width, "%s tok/s", ur_commas((int64_t)r->tokens_per_second, a));
	add(line, width, "|grad| %.3g", r->grad_norm);
	add(line, width, "lr %.3g", r->lr);
}

int ur_progress_step(void *arg, const ur_step_report *r)
{
	ur_progress_line *p = arg;
	const double now = ur_clock();
	const int width = p->quiet ? 0 : ur_terminal_width(STDERR_FILENO);
	char line[LINE];
	ur_short a, b;

	p->last = *r;
	if (p->quiet)
		return ur_stop_signal() != 0;
	if (r->validated) {
		ur_progress_clear(p);
		(void)fprintf(stderr, "step %s: validation loss %.4f", ur_commas(r->step, a), r->val_loss);
		if (r->task)
			(void)fprintf(stderr, ", %.1f %% of answers right", 100 * r->task->accuracy.mean);
		if (r->best_step == r->step)
			(void)fputs(", the best so far\n", stderr);
		else
			(void)fprintf(stderr, " (best %.4f at step %s)\n", r->best_loss, ur_commas(r->best_step, b));
	}
	if (now - p->shown >= (width ? LIVE_EVERY : PLAIN_EVERY)) {
		p->shown = now;
		compose(r, width ? width - 1 : LINE - 1, line);
		(void)fprintf(stderr, width ? "\r\033[K%s" : "%s\n", line);
		(void)fflush(stderr);
		p->live = width > 0;
	}
	return ur_stop_signal() != 0;
}
