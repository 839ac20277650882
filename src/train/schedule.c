/* Learning rates over time. Warm-up is linear and common to all; what follows is a share of the peak rate. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

static double constant(const ur_recipe *r, const ur_pace *p, int64_t step, double after)
{
	(void)r, (void)p, (void)step, (void)after;
	return 1;
}

/* Loshchilov and Hutter 2017, without restarts */
static double cosine(const ur_recipe *r, const ur_pace *p, int64_t step, double after)
{
	double least = r->lr > 0 ? r->min_lr / r->lr : 0;
	(void)p, (void)step;
	return least + (1 - least) * 0.5 * (1 + cos(3.141592653589793 * after));
}

/* Haegele et al. 2024: as good as a cosine, and until the rate falls a run is the beginning of any longer one */
static double trapezoid(const ur_recipe *r, const ur_pace *p, int64_t step, double after)
{
	const double least = r->lr > 0 ? r->min_lr / r->lr : 0, from = 1 - UR_TRAPEZOID_FALL;
	(void)p, (void)step;
	return after < from ? 1 : least + (1 - least) * (1 - after) / UR_TRAPEZOID_FALL;
}

static double steps(const ur_recipe *r, const ur_pace *p, int64_t step, double after)
{
	(void)p, (void)after;
	return pow(r->decay, (double)((step - r->warmup) / (r->decay_every > 0 ? r->decay_every : 1)));
}

static double plateau(const ur_recipe *r, const ur_pace *p, int64_t step, double after)
{
	(void)r, (void)step, (void)after;
	return p->factor;
}

static void plateau_validated(const ur_recipe *r, ur_pace *p, int better)
{
	p->stale = better ? 0 : p->stale + 1;
	if (p->stale > r->decay_every) {
		p->factor *= r->decay;
		p->stale = 0;
	}
}

static const ur_schedule schedules[] = {
	{ "constant", "the same rate throughout", constant, NULL },
	{ "cosine", "half a cosine from --lr to --min-lr", cosine, NULL },
	{ "trapezoid", "--lr throughout, then down to --min-lr in a straight line over the last fifth", trapezoid, NULL },
	{ "step", "times --decay every --decay-every steps", steps, NULL },
	{ "plateau", "times --decay after --decay-every validations without progress", plateau, plateau_validated },
};

const ur_schedule *ur_schedule_nth(int n)
{
	return n >= 0 && n < (int)(sizeof schedules / sizeof *schedules) ? &schedules[n] : NULL;
}

const ur_schedule *ur_schedule_find(const char *name)
{
	for (int i = 0; ur_schedule_nth(i); i++)
		if (!strcmp(schedules[i].name, name))
			return &schedules[i];
	return NULL;
}

int64_t ur_schedule_fall(const ur_recipe *r)
{
	return strcmp(r->schedule, "trapezoid")
	           ? r->warmup
	           : r->warmup + (int64_t)((1 - UR_TRAPEZOID_FALL) * (double)(r->steps - r->warmup));
}

double ur_schedule_rate(const ur_schedule *s, const ur_recipe *r, const ur_pace *p, int64_t step)
{
	double after, rate;

	if (step < r->warmup)
		return r->lr * (double)(step + 1) / (double)(r->warmup + 1);
	after = r->steps > r->warmup ? (double)(step - r->warmup) / (double)(r->steps - r->warmup) : 1;
	rate = r->lr * s->share(r, p, step, after > 1 ? 1 : after);
	return rate > r->min_lr ? rate : r->min_lr;
}
