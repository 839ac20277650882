/* Curves are straight between their points over the logarithm of x, so where two of them cross follows from their
 * values at the ends of a stretch in which neither has a point. A point at x = 0 (before any training) has no
 * logarithm and is left out. */
#include "compare/curves.h"

#include <math.h>

const char *ur_axis_name(ur_axis axis)
{
	static const char *const names[UR_AXES] = { "tokens", "flops", "seconds" };
	return names[axis];
}

/* The first point above 0; n: there is none. */
static int begin(const ur_curve *c, ur_axis axis)
{
	int i = 0;
	while (i < c->n && !(c->at[i].x[axis] > 0))
		i++;
	return i;
}

double ur_curve_at(const ur_curve *c, ur_axis axis, double x)
{
	int i = begin(c, axis);
	double x0, x1;

	if (i == c->n || !(x >= c->at[i].x[axis]))
		return NAN;
	while (i < c->n && c->at[i].x[axis] < x)
		i++;
	if (i == c->n)
		return NAN;
	x1 = c->at[i].x[axis];
	if (x == x1)
		return c->at[i].loss;
	x0 = c->at[i - 1].x[axis];
	return c->at[i - 1].loss + (c->at[i].loss - c->at[i - 1].loss) * log(x / x0) / log(x1 / x0);
}

double ur_curves_common(int n, const ur_curve *c, ur_axis axis)
{
	double common = INFINITY;

	for (int k = 0; k < n; k++) {
		double last = 0;
		for (int i = 0; i < c[k].n && !c[k].at[i].decayed; i++)
			last = c[k].at[i].x[axis];
		common = fmin(common, last);
	}
	/* where one has not begun there is nothing to read */
	for (int k = 0; k < n; k++)
		if (isnan(ur_curve_at(&c[k], axis, common)))
			return 0;
	return n > 0 ? common : 0;
}

/* The next x after `from` at which any curve has a point; INFINITY: none. */
static double next_point(int n, const ur_curve *c, ur_axis axis, double from)
{
	double next = INFINITY;

	for (int k = 0; k < n; k++)
		for (int i = begin(&c[k], axis); i < c[k].n; i++)
			if (c[k].at[i].x[axis] > from) {
				next = fmin(next, c[k].at[i].x[axis]);
				break;
			}
	return next;
}

/* A curve over a stretch without points inside. Both are NaN where it is not there. */
struct ends { double from, to; };

static struct ends ends_of(const ur_curve *c, ur_axis axis, double from, double to)
{
	struct ends e = { ur_curve_at(c, axis, from), ur_curve_at(c, axis, to) };
	return isnan(e.from) || isnan(e.to) ? (struct ends){ NAN, NAN } : e;
}

/* The stretch goes to `who`; one with the leader before it becomes longer. */
static int add_lead(ur_lead *leads, int count, int room, double from, double to, int who)
{
	if (count > 0 && (who < 0 || leads[count - 1].who == who))
		leads[count - 1].to = to;
	else if (who >= 0 && to > from && count < room)
		leads[count++] = (ur_lead){ from, to, who };
	return count;
}

/* Who is lowest as the stretch begins, and stays so; -1: nobody is there. */
static int lowest(int n, const ur_curve *c, ur_axis axis, double from, double to, struct ends *best)
{
	int who = -1;

	for (int k = 0; k < n; k++) {
		struct ends e = ends_of(&c[k], axis, from, to);
		if (isnan(e.from) || (who >= 0 && (e.from > best->from || (e.from == best->from && e.to >= best->to))))
			continue;
		*best = e;
		who = k;
	}
	return who;
}

/* Who first crosses the leader on the way down, *share of the stretch (in log x) having passed; -1: nobody. */
static int overtaker(int n, const ur_curve *c, ur_axis axis, double from, double to, struct ends *best, double *share)
{
	const struct ends leader = *best;
	double first = 1;
	int who = -1;

	for (int k = 0; k < n; k++) {
		struct ends e = ends_of(&c[k], axis, from, to);
		double at = fmax(*share, (e.from - leader.from) / (e.from - leader.from - (e.to - leader.to)));

		if (!(e.to < leader.to) || at >= first)
			continue;
		first = at;
		*best = e;
		who = k;
	}
	*share = first;
	return who;
}

int ur_curves_leads(int n, const ur_curve *c, ur_axis axis, int room, ur_lead *leads)
{
	double from = next_point(n, c, axis, 0), to;
	int count = 0;

	for (; (to = next_point(n, c, axis, from)) < INFINITY; from = to) {
		struct ends best;
		double share = 0, start = from;
		int who = lowest(n, c, axis, from, to, &best);

		do {
			int next = who < 0 ? -1 : overtaker(n, c, axis, from, to, &best, &share);
			double end = next < 0 ? to : from * pow(to / from, share);

			count = add_lead(leads, count, room, start, end, who);
			if (count == room && (count == 0 || leads[count - 1].to < end))
				return count;
			start = end;
			who = next;
		} while (who >= 0);
	}
	return count;
}
