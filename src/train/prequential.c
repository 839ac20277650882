/* Prequential scores: two sums each. */
#include "train/prequential.h"

#include "base/interval.h"

#include <math.h>

static const char *const names[UR_CONTESTANTS] = { "model", "frozen", "last", "usual" };

const char *ur_contestant_name(int who) { return names[who]; }

void ur_prequential_start(ur_prequential *p, double fade)
{
	*p = (ur_prequential){ .keep = fade >= 1 ? 1 - 1 / fade : 1 };
}

static void add(ur_sums *s, double keep, const ur_attempt *a)
{
	s->n = 1 + keep * s->n;
	s->error = fabs(a->error) + keep * s->error;
	s->square = a->error * a->error + keep * s->square;
	if (!isfinite(a->loss))
		return;
	s->losses = 1 + keep * s->losses;
	s->loss = a->loss + keep * s->loss;
}

void ur_prequential_add(ur_prequential *p, const ur_attempt attempt[UR_CONTESTANTS])
{
	const double model = fabs(attempt[UR_OF_MODEL].error), again = fabs(attempt[UR_OF_LAST].error);
	const double last = isfinite(again) ? again : 1;

	for (int i = 0; i < UR_CONTESTANTS; i++) {
		const ur_attempt *a = &attempt[i];
		ur_tally *t = &p->of[i];
		const double ahead = fabs(a->error) - model;

		if (!isfinite(a->error))
			continue;
		add(&t->all, 1, a);
		add(&t->fading, p->keep, a);
		t->last += last;
		t->last_fading = last + p->keep * t->last_fading;
		t->faded_n2 = 1 + p->keep * p->keep * t->faded_n2;
		if (!isfinite(ahead))
			continue;
		t->both++;
		t->ahead += ahead;
		t->ahead2 += ahead * ahead;
	}
}

static ur_mean3 share(double right, double n, double worth)
{
	ur_mean3 m = { NAN, NAN, NAN };
	const int64_t events = (int64_t)(worth + 0.5);

	if (n > 0 && events > 0 && right >= 0 && right <= n) { /* of errors of values there is no share */
		m.mean = right / n;
		ur_wilson((int64_t)(m.mean * (double)events + 0.5), events, &m.low, &m.high);
	}
	return m;
}

static double ratio(double sum, double n) { return n > 0 ? sum / n : NAN; }

ur_standing ur_prequential_of(const ur_prequential *p, int who)
{
	const ur_tally *t = &p->of[who];
	const ur_sums *a = &t->all, *f = &t->fading;
	ur_standing s = {
		.n = (int64_t)a->n, .right = share(a->n - a->error, a->n, a->n),
		.right_now = share(f->n - f->error, f->n, ratio(f->n * f->n, t->faded_n2)),
		.mae = ratio(a->error, a->n), .mae_now = ratio(f->error, f->n), .rmse = sqrt(ratio(a->square, a->n)),
		.rmse_now = sqrt(ratio(f->square, f->n)), .loss = ratio(a->loss, a->losses), .loss_now = ratio(f->loss,
		                                                                                               f->losses),
		.behind = { NAN, NAN, NAN },
	};

	if (t->both > 0) {
		const ur_average ahead = ur_average_of((int64_t)t->both, t->ahead, t->ahead2);
		s.behind = (ur_mean3){ ahead.mean, ahead.low, ahead.high };
	}
	return s;
}

double ur_prequential_kappa(const ur_prequential *p, int who, int now)
{
	const ur_tally *t = &p->of[who];
	const double wrong = now ? t->fading.error : t->all.error, last = now ? t->last_fading : t->last;

	return last > 0 ? 1 - wrong / last : NAN; /* both of as many events */
}
