/* The adding problem (Hochreiter and Schmidhuber 1997; as Bai, Kolter and Koltun 2018 have it: two marks anywhere among
 * T values).
 *
 *     read   3 0 C 7 . . . 1 H 5 =        say   j at '='
 *
 * The published problem has real values in [0, 1] and answers with a real number. A model here reads and says tokens,
 * so there are `levels` values, level v for (v + 1/2) / levels: '0', '1', ... as they are and 'A', 'B', ... marked. The
 * answer is the class of the sum, 'a' for the least. The mean squared error of the mean of what a model says (its
 * probabilities over the sums) is comparable to the published one: always answering 1 gives
 * 2 (1 - 1 / levels^2) / 12, .1650 with 10 levels and 1/6 with infinitely many (published, on one drawn set: .1767). */
#include "data/task.h"

#include <math.h>
#include <stdio.h>

enum { LEVELS };

static const ur_option options[] = {
	[LEVELS] = { "levels", "how many different values there are", 10, 2, 13, NULL, 1 },
	{ .name = NULL }
};

static int check(const ur_task *t, char *said, size_t room)
{
	return t->T < 2 ? snprintf(said, room, "two values are added, so T is at least 2") : 0;
}

static void characters(const ur_task *t, char *out)
{
	const int levels = (int)t->option[LEVELS];

	for (int v = 0; v < levels; v++) {
		*out++ = (char)('0' + v);
		*out++ = (char)('A' + v);
	}
	for (int s = 0; s < 2 * levels - 1; s++)
		*out++ = (char)('a' + s);
	*out++ = '=';
	*out = 0;
}

static void size(const ur_task *t, int *length, int *scored)
{
	*length = t->T + 1;
	*scored = 1;
}

static void draw(const ur_task *t, ur_draw *d, const ur_sequence *s)
{
	int place[2], sum = 0, marked = 0;

	ur_draw_places(d, 2, t->T, place);
	for (int i = 0; i < t->T; i++) {
		const int v = ur_draw_below(d, (int)t->option[LEVELS]), mark = marked < 2 && i == place[marked];

		if (mark) {
			marked++;
			sum += v;
		}
		ur_sequence_put(s, i, (char)((mark ? 'A' : '0') + v), 0);
	}
	ur_sequence_put(s, t->T, '=', (char)('a' + sum));
}

static double number(const ur_task *t, char c)
{
	return c >= 'a' ? (c - 'a' + 1) / t->option[LEVELS] : NAN;
}

const ur_task_kind ur_task_adding = {
	.name = "adding",
	.about = "two of T values are marked; say their sum at the end",
	.of_T = "how many values there are",
	.source = "Values are levels 0, 1, ..., marked A, B, ...; the sum is a class a, b, ... (published: real numbers). "
		"The mean squared error of the mean of what is said, in units where values lie in [0, 1], stands beside the "
		"published one: always answering 1 gives .1650 here with 10 levels, .1767 there (Hochreiter and Schmidhuber "
		"1997; Bai et al. 2018)",
	.options = options, .check = check, .characters = characters, .size = size, .draw = draw, .number = number,
};
