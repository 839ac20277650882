/* Copy memory (Hochreiter and Schmidhuber 1997; as Arjovsky, Shah and Bengio 2016 and Bai, Kolter and Koltun 2018 have
 * it): `items` symbols, T - 1 blanks, a delimiter, then the symbols again. With 10 items a text is T + 20 characters,
 * as published.
 *
 *     read   c a h . . . . | c a          say   c a h from '|' on
 *
 * Published losses are means over all T + 20 positions, those included where a blank is the answer; here the answers
 * alone are scored, so theirs times (T + 20) / 10 stands beside ours: to guess is ln 8 = 2.079 an answer, .0204 there
 * at T = 1000. And what has been said is read back, as in generation, where the published problem reads blanks. */
#include "data/task.h"

enum { ITEMS, SYMBOLS };

static const ur_option options[] = {
	[ITEMS] = { "items", "symbols to remember", 10, 1, UR_TASK_ITEMS, NULL, 1 },
	[SYMBOLS] = { "symbols", "how many different ones there are", 8, 2, 26, NULL, 1 },
	{ .name = NULL }
};

static void characters(const ur_task *t, char *out)
{
	for (int i = 0; i < (int)t->option[SYMBOLS]; i++)
		*out++ = (char)('a' + i);
	*out++ = '.';
	*out++ = '|';
	*out = 0;
}

static void size(const ur_task *t, int *length, int *scored)
{
	*scored = (int)t->option[ITEMS];
	*length = *scored + t->T + *scored - 1; /* the last answer is not read */
}

static void draw(const ur_task *t, ur_draw *d, const ur_sequence *s)
{
	const int items = (int)t->option[ITEMS], asked = items + t->T - 1;
	char item[UR_TASK_ITEMS];

	for (int i = 0; i < items; i++) {
		item[i] = (char)('a' + ur_draw_below(d, (int)t->option[SYMBOLS]));
		ur_sequence_put(s, i, item[i], 0);
	}
	for (int i = items; i < asked; i++)
		ur_sequence_put(s, i, '.', 0);
	for (int i = 0; i < items; i++)
		ur_sequence_put(s, asked + i, i ? item[i - 1] : '|', item[i]);
}

const ur_task_kind ur_task_copy = {
	.name = "copy",
	.about = "symbols, then T - 1 blanks and a delimiter; say the symbols again, in order",
	.of_T = "how many steps lie between reading the last symbol and saying the first",
	.source = "Scored: the answers alone, which are read back as they are said; published losses are over all T + 20 "
		"positions, so theirs x (T + 20) / 10 stands beside ours (Arjovsky et al. 2016; Bai et al. 2018)",
	.options = options, .characters = characters, .size = size, .draw = draw,
};
