/* Steps of streams, each timed by itself, at positions far apart. */
#include "lab/streaming_parts.h"

#include "base/machine.h"
#include "base/order.h"
#include "lab/rigs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINES = 2 * UR_LAB_MOST_MIXERS,
	RUN = 16,               /* steps in a row from a position; the first finds caches as other layers left them */
	ROUNDS = 100, LEAST_ROUNDS = 8
};

typedef struct line { char name[48]; const ur_lab_mixer *m; int window; } line;

typedef struct stream {
	ur_rig rig;
	int n;                  /* steps timed */
	double seconds[ROUNDS * RUN];
	int turns;
	double middle[ROUNDS];  /* the median of a turn */
	double thread[ROUNDS];  /* seconds that the processor gave a step, the mean of a turn */
} stream;

static const ur_streaming_plan *plan_of(const ur_lab *lab)
{
	static const ur_streaming_plan plans[] = {
		[UR_LAB_QUICK] = { 64, 512, { 1, 16, 128, 1024, 2048, 3072, 4096, 6144, 8192 }, 1.5 },
		[UR_LAB_DEFAULT] = { 64, 512, { 1, 16, 128, 1024, 2048, 4096, 8192, 16384, 32768, 65536 }, 6 },
		[UR_LAB_FULL] = { 128, 512, { 1, 16, 128, 1024, 2048, 4096, 8192, 16384, 32768, 100000 }, 30 },
	};
	return &plans[lab->size];
}

/* The option of that name; -1: the mixer cannot have a window, or keeps no more than a summary anyway. */
static int window_option(const ur_mixer *m)
{
	int index;

	return m->flags & UR_STATE_GROWS && ur_option_find(m->options, "window", strlen("window"), &index) ? index : -1;
}

/* The mixers as they are, then those that can have a window with one. */
static int lines_of(const ur_lab *lab, int window, line *out)
{
	const int mixers = ur_lab_mixer_count(lab);
	int n = 0;

	for (int i = 0; i < mixers; i++) {
		out[n] = (line){ .m = &lab->mixer[i] };
		(void)snprintf(out[n++].name, sizeof out->name, "%s", lab->mixer[i].name);
	}
	for (int i = 0; i < mixers; i++) {
		if (window_option(lab->mixer[i].forward->mixer) < 0)
			continue;
		out[n] = (line){ .m = &lab->mixer[i], .window = window };
		(void)snprintf(out[n++].name, sizeof out->name, "%s, window %d", lab->mixer[i].name, window);
	}
	return n;
}

static ur_status open_stream(const ur_lab *lab, const ur_streaming_plan *plan, const line *l, int position, stream *s,
                             ur_err *err)
{
	ur_rig_spec spec = ur_lab_layer(l->m, plan->width, position, 1, UR_PASS_STEP);

	if (l->window)
		spec.dims.option[window_option(l->m->forward->mixer)] = l->window;
	return ur_rig_open(&s->rig, &spec, lab->ctx, err);
}

/* RUN steps or, of the first positions, as many in all as those have that count. */
static void turn(stream *s)
{
	const int most = ur_rig_steps(&s->rig), run = most < RUN ? most : RUN, skip = run > 1;
	int left = RUN - 1;
	double thread = 0, began = 0, mine[RUN - 1];

	while (left > 0) {
		ur_rig_restart(&s->rig);
		for (int i = 0; i < run && left > 0; i++) {
			double start;

			if (i == skip)
				began = ur_thread_clock();
			start = ur_clock();
			ur_rig_run(&s->rig);
			if (i >= skip) {
				s->seconds[s->n++] = ur_clock() - start;
				left--;
			}
		}
		thread += ur_thread_clock() - began;
	}
	memcpy(mine, s->seconds + s->n - (RUN - 1), sizeof mine);
	s->middle[s->turns] = ur_median(RUN - 1, mine);
	s->thread[s->turns++] = thread / (RUN - 1);
}

/* A quantile with its interval of 95 % by order statistics, whose ranks are those of the binomial as a normal; *sure: n
 * has them. */
static void quantile(int n, const double *x, double q, double *at, double *low, double *high, int *sure)
{
	const double middle = q * (n - 1), wide = 1.96 * sqrt(n * q * (1 - q));
	const int below = (int)floor(middle - wide), above = (int)ceil(middle + wide);

	*at = x[(int)(middle + 0.5)];
	*low = x[below > 0 ? below : 0];
	*high = x[above < n ? above : n - 1];
	*sure = below >= 0 && above < n;
}

static json_t *point_of(stream *s)
{
	const ur_mixer *m = s->rig.spec.forward->mixer;
	double p50, low, high, p99, p99_low, p99_high, thread, thread_low, thread_high;
	int sure, rarely, turns;
	json_t *point;

	ur_sort(s->n, s->seconds);
	ur_sort(s->turns, s->middle);
	/* steps of one turn are alike, so turns are what there are many of; of the slowest steps there is no such mean */
	quantile(s->turns, s->middle, 0.5, &p50, &low, &high, &sure);
	quantile(s->n, s->seconds, 0.99, &p99, &p99_low, &p99_high, &rarely);
	ur_sort(s->turns, s->thread);
	quantile(s->turns, s->thread, 0.5, &thread, &thread_low, &thread_high, &turns);
	ur_rig_restart(&s->rig);
	point = json_pack("{s:i,s:b,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:I}", "n", s->n, "sure", sure && turns, "p50", p50,
	                  "p50_low", low, "p50_high", high, "p99", p99, "thread", thread, "thread_low", thread_low,
	                  "thread_high", thread_high, "state",
	                  (json_int_t)m->state_used(&s->rig.spec.dims, s->rig.state[0]));
	if (point && rarely) { /* else there are too few steps for an interval */
		json_object_set_new(point, "p99_low", json_real(p99_low));
		json_object_set_new(point, "p99_high", json_real(p99_high));
	}
	return point;
}

static json_t *fact_of(const ur_streaming_plan *plan, int lines, const line *l, int positions, stream *s)
{
	json_t *fact = json_pack("{s:i,s:i,s:[],s:{}}", "width", plan->width, "window", plan->window, "position", "of");

	for (int p = 0; p < positions; p++)
		(void)json_array_append_new(json_object_get(fact, "position"), json_integer(plan->position[p]));
	for (int i = 0; i < lines; i++) {
		json_t *at = json_array();

		for (int p = 0; p < positions; p++)
			(void)json_array_append_new(at, point_of(&s[i * positions + p]));
		(void)json_object_set_new(json_object_get(fact, "of"), l[i].name, json_pack("{s:b,s:i,s:o}", "grows",
			(l[i].m->forward->mixer->flags & UR_STATE_GROWS) != 0, "window", l[i].window, "at", at));
	}
	return fact;
}

ur_status ur_streaming_steps(ur_lab *lab, const ur_streaming_plan *plan, json_t **fact, ur_err *err)
{
	line l[LINES];
	const int lines = lines_of(lab, plan->window, l);
	int positions = 0, open = 0, all;
	stream *s;
	ur_status status;
	double start;

	*fact = NULL;
	while (positions < UR_STREAMING_POSITIONS && plan->position[positions])
		positions++;
	all = lines * positions;
	s = calloc((size_t)(all ? all : 1), sizeof *s);
	status = s ? UR_OK : ur_fail(err, UR_E_NOMEM, "out of memory for %d streams", all);
	for (; !status && open < all; open += !status) {
		const int position = plan->position[open % positions];

		status = ur_lab_say(lab, -1, err, "going to position %d: %s", position, l[open / positions].name);
		if (!status)
			status = open_stream(lab, plan, &l[open / positions], position, &s[open], err);
	}
	start = ur_clock();
	for (int round = 0; round < ROUNDS && !status; round++) {
		if (round >= LEAST_ROUNDS && ur_clock() - start > plan->seconds)
			break;
		for (int i = 0; i < all && !status; i++) {
			if (i % positions == 0)
				status = ur_lab_say(lab, -1, err, "timing steps, round %d: %s", round + 1, l[i / positions].name);
			if (!status)
				turn(&s[i]);
		}
	}
	if (!status)
		*fact = fact_of(plan, lines, l, positions, s);
	while (open)
		ur_rig_close(&s[--open].rig);
	free(s);
	return status;
}

ur_status ur_streaming_measure(ur_lab *lab, ur_err *err)
{
	const ur_streaming_plan *plan = plan_of(lab);
	json_t *fact;
	ur_status status;
	int last = 0;

	while (last + 1 < UR_STREAMING_POSITIONS && plan->position[last + 1])
		last++;
	if (!ur_lab_recall(lab, &status, err, "predicted") && !status)
		status = ur_lab_keep(lab, json_pack("{s:i,s:i,s:f}", "width", plan->width, "last", plan->position[last],
			"bandwidth", lab->speed_one.bandwidth), err, "predicted");
	if (status || ur_lab_recall(lab, &status, err, "steps") || status)
		return status;
	status = ur_streaming_steps(lab, plan, &fact, err);
	return status ? status : ur_lab_keep(lab, fact, err, "steps");
}
