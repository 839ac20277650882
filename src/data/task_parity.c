/* Parity of the bits so far: one bit of state, which every step may change.
 *
 *     read   0 1 1 0 1                     say   e o e e o      (even, odd) */
#include "data/task.h"

enum { ANSWERS };

static const ur_option options[] = {
	[ANSWERS] = { "answers", "at every position, or at the last alone", 0, 0, 1, "all|last", 0 },
	{ .name = NULL }
};

static void characters(const ur_task *t, char *out)
{
	(void)t;
	for (const char *c = "01eo"; (*out++ = *c); c++)
		;
}

static void size(const ur_task *t, int *length, int *scored)
{
	*length = t->T;
	*scored = t->option[ANSWERS] > 0 ? 1 : t->T;
}

static void draw(const ur_task *t, ur_draw *d, const ur_sequence *s)
{
	int odd = 0;

	for (int i = 0; i < t->T; i++) {
		const int bit = ur_draw_below(d, 2);
		odd ^= bit;
		ur_sequence_put(s, i, bit ? '1' : '0', t->option[ANSWERS] > 0 && i < t->T - 1 ? 0 : odd ? 'o' : 'e');
	}
}

const ur_task_kind ur_task_parity = {
	.name = "parity",
	.about = "T bits; say whether the number of ones so far is even (e) or odd (o)",
	.of_T = "how many bits there are",
	.source = "Answers are not read back: after each bit comes the next one",
	.options = options, .characters = characters, .size = size, .draw = draw,
};
