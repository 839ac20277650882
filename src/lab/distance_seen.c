/* Reading the facts of the experiment on distance. */
#include "lab/distance_seen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const json_t *run_of(const json_t *facts, int task, const char *mixer, int T, int seed)
{
	char key[160];
	(void)snprintf(key, sizeof key, "run/%s/%s/%d/%d", ur_distance_tasks[task], mixer, T, seed);
	return json_object_get(facts, key);
}

static int did_solve(const json_t *run) { return json_is_true(json_object_get(run, "solved")); }

/* null: it is no number, which counts as looking ahead; what is missing does not. */
static void note_cheat(ur_seen *f, const char *name, const json_t *fact, const char *key)
{
	const json_t *value = json_object_get(fact, key);
	const double ahead = json_is_null(value) ? INFINITY : json_number_value(value);

	if (ahead > f->cheats) {
		f->cheat = name;
		f->cheats = ahead;
	}
}

/* What the models at one length come to: those that solved it or, where it was not solved, all. */
static void read_models(const json_t *facts, const ur_seen *f, const char *name, int task, ur_seen_task *on)
{
	double sum = 0;
	int n = 0;

	for (int s = 0; s < f->seeds; s++) {
		const json_t *run = run_of(facts, task, name, on->at, s);
		const double decay = ur_fact_at(run, "reach.decay");

		if (on->solved && !did_solve(run))
			continue;
		if (!on->reach && json_is_object(json_object_get(run, "reach")))
			on->reach = json_object_get(run, "reach");
		if (isnan(decay))
			continue;
		sum += decay;
		on->low = n ? fmin(on->low, decay) : decay;
		on->high = n ? fmax(on->high, decay) : decay;
		n++;
	}
	on->decay = n ? sum / n : NAN;
}

static void read_task(const json_t *facts, ur_seen *f, ur_seen_mixer *m, int task)
{
	ur_seen_task *on = &m->on[task];
	double mse = 0;
	int n = 0;

	on->decay = on->low = on->high = on->mse = NAN;
	for (int T = f->shortest; T > 0 && T <= f->longest; T *= 2) {
		int runs = 0, did = 0;
		for (int s = 0; s < f->seeds; s++) {
			const json_t *run = run_of(facts, task, m->name, T, s);
			runs += run != NULL;
			did += did_solve(run);
			note_cheat(f, m->name, json_object_get(run, "reach"), "ahead");
		}
		if (runs && runs < f->seeds) {
			on->part = T;
			on->part_runs = runs;
			on->part_did = did;
		}
		if (!runs || runs < f->seeds)
			break;
		on->tried = T;
		on->tried_by = did;
		if (2 * did >= runs) {
			on->solved = T;
			on->solved_by = did;
		}
	}
	if (!on->tried)
		return;
	for (int s = 0; s < f->seeds; s++) {
		const double x = ur_fact_at(run_of(facts, task, m->name, on->tried, s), "mse");
		if (!isnan(x)) {
			mse += x;
			n++;
		}
	}
	on->mse = n ? mse / n : NAN;
	on->at = on->solved ? on->solved : f->shortest;
	read_models(facts, f, m->name, task, on);
}

static ur_seen_mixer *mixer_of(ur_seen *f, const char *name)
{
	for (int i = 0; i < f->n; i++)
		if (!strcmp(f->of[i].name, name))
			return &f->of[i];
	if (f->n == UR_SEEN_MIXERS)
		return NULL;
	f->of[f->n] = (ur_seen_mixer){ .name = name, .start_decay = NAN };
	return &f->of[f->n++];
}

static const ur_seen_mixer *known(const ur_seen *f, const char *name)
{
	for (int i = 0; i < f->n; i++)
		if (!strcmp(f->of[i].name, name))
			return &f->of[i];
	return NULL;
}

/* Of each length the first seed that solved it; where none solved any, the first seed of the longest. */
static void read_gates(const json_t *facts, ur_seen *f, int task)
{
	ur_seen_gates *g = &f->gates[task];

	for (int T = f->shortest; T > 0 && T <= f->longest; T *= 2)
		for (int s = f->seeds - 1; s >= 0; s--) {
			const int solved = f->lstm && T <= f->lstm->on[task].solved && did_solve(run_of(facts, task, "lstm", T, s));
			char key[160];
			const json_t *fact;

			(void)snprintf(key, sizeof key, "gates/%s/%d/%d", ur_distance_tasks[task], T, s);
			if ((fact = json_object_get(facts, key)) && solved >= g->solved)
				*g = (ur_seen_gates){ fact, T, solved };
		}
}

void ur_seen_read(const json_t *facts, ur_seen *f)
{
	const json_t *plan = json_object_get(facts, "plan");
	const char *key;
	json_t *fact;

	*f = (ur_seen){ 0 };
	if (plan) {
		f->shortest = (int)ur_fact_at(plan, "shortest");
		f->longest = (int)ur_fact_at(plan, "longest");
		f->seeds = (int)ur_fact_at(plan, "seeds");
		f->reach = (int)ur_fact_at(plan, "reach");
		f->tokens = ur_fact_at(plan, "tokens");
	}
	json_object_foreach((json_t *)(uintptr_t)facts, key, fact) {
		const int start = !strncmp(key, "start/", 6), ahead = !strncmp(key, "ahead/", 6);
		ur_seen_mixer *m = start || ahead ? mixer_of(f, key + 6) : NULL;

		if (m && start) {
			m->start = fact;
			m->start_decay = ur_fact_at(fact, "decay");
			note_cheat(f, m->name, fact, "ahead");
		} else if (m) {
			note_cheat(f, m->name, fact, "output");
			note_cheat(f, m->name, fact, "gradient");
		}
	}
	for (int i = 0; i < f->n; i++)
		for (int task = 0; task < UR_DISTANCE_TASKS; task++)
			read_task(facts, f, &f->of[i], task);
	f->rnn = known(f, "rnn");
	f->lstm = known(f, "lstm");
	f->gru = known(f, "gru");
	f->attention = known(f, "attention");
	for (int task = 0; task < UR_DISTANCE_TASKS; task++)
		read_gates(facts, f, task);
}

int ur_seen_gates_task(const ur_seen *f)
{
	int best = -1;
	for (int task = 0; task < UR_DISTANCE_TASKS; task++)
		if (f->gates[task].solved && (best < 0 || f->gates[task].at > f->gates[best].at))
			best = task;
	return best;
}

int ur_seen_apart(const ur_seen_task *a, const ur_seen_task *b)
{
	const int a_failed = a->tried > a->solved, b_failed = b->tried > b->solved;
	return a->solved > b->solved ? b_failed : a->solved < b->solved ? a_failed : a->solved && a_failed && b_failed;
}

/* -- stretches of distances: [from, to, mean, geometric mean] -- */

static double of_bin(const json_t *bin, size_t i)
{
	const json_t *x = json_array_get(bin, i);
	return json_is_number(x) ? json_number_value(x) : NAN;
}

/* The mean of a stretch's logarithms is, on a line, that of its middle. */
static double middle(const json_t *bin) { return (of_bin(bin, 0) + of_bin(bin, 1)) / 2; }

double ur_seen_off(const json_t *reach)
{
	const json_t *bins = json_object_get(reach, "bins");
	const double slope = log(ur_fact_at(reach, "decay")), fitted = ur_fact_at(reach, "fitted");
	double sum = 0, n = 0, most = 0;
	int stretches = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 1; i < json_array_size(bins); i++) {
			const json_t *bin = json_array_get(bins, i);
			const double off = log(of_bin(bin, 3)) - slope * middle(bin), many = of_bin(bin, 1) - of_bin(bin, 0) + 1;

			if (!(of_bin(bin, 1) <= fitted) || !isfinite(off))
				continue;
			if (pass) {
				most = fmax(most, fabs(off - sum / n));
			} else {
				sum += many * off;
				n += many;
				stretches++;
			}
		}
	return stretches < 2 ? NAN : exp(most);
}

static double log_at(const json_t *bins, double distance)
{
	for (size_t i = 1; i < json_array_size(bins); i++) {
		const json_t *bin = json_array_get(bins, i), *before = json_array_get(bins, i - 1);
		const double right = log(of_bin(bin, 3)), left = log(of_bin(before, 3));

		if (middle(bin) == distance)
			return right;
		if (i > 1 && middle(before) < distance && middle(bin) > distance)
			return isinf(left) ? left
			                   : left + (right - left) * (distance - middle(before)) / (middle(bin) - middle(before));
	}
	return NAN;
}

double ur_seen_share(const json_t *reach, int steps)
{
	const json_t *bins = json_object_get(reach, "bins");
	return exp(log_at(bins, 1 + steps) - log_at(bins, 1));
}

const char *ur_seen_length(int T, ur_said out)
{
	if (!T)
		(void)snprintf(out, sizeof(ur_said), "none");
	return T ? ur_tell_count(T, out) : out;
}
