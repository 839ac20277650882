/* Selective copy (Jing et al. 2019; Gu and Dao 2023): symbols at random places among noise, then a delimiter; they are
 * to be said in order. Counting steps is of no use: what is kept depends on what it is.
 *
 *     read   . c . . a . h . | c a        say   c a h from '|' on
 *
 * Gu and Dao have 16 symbols to remember among 4,096 positions, and 16 tokens of which one is noise. */
#include "data/task.h"

#include <stdio.h>

enum { ITEMS, SYMBOLS };

static const ur_option options[] = {
	[ITEMS] = { "items", "symbols to remember", 16, 1, UR_TASK_ITEMS, NULL, 1 },
	[SYMBOLS] = { "symbols", "how many different ones there are", 15, 2, 26, NULL, 1 },
	{ .name = NULL }
};

static int check(const ur_task *t, char *said, size_t room)
{
	const int items = (int)t->option[ITEMS];
	if (t->T >= items)
		return 0;
	return snprintf(said, room, "%d symbols do not fit among T = %d positions; use T=%d or items=%d", items, t->T,
	                items, t->T);
}

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
	*length = t->T + *scored; /* the last answer is not read */
}

static void draw(const ur_task *t, ur_draw *d, const ur_sequence *s)
{
	const int items = (int)t->option[ITEMS];
	int place[UR_TASK_ITEMS], next = 0;
	char item[UR_TASK_ITEMS];

	ur_draw_places(d, items, t->T, place);
	for (int i = 0; i < items; i++)
		item[i] = (char)('a' + ur_draw_below(d, (int)t->option[SYMBOLS]));
	for (int i = 0; i < t->T; i++)
		if (next < items && place[next] == i)
			ur_sequence_put(s, i, item[next++], 0);
		else
			ur_sequence_put(s, i, '.', 0);
	for (int i = 0; i < items; i++)
		ur_sequence_put(s, t->T + i, i ? item[i - 1] : '|', item[i]);
}

const ur_task_kind ur_task_selective = {
	.name = "selective",
	.about = "symbols at random places among T positions of noise, then a delimiter; say the symbols, in order",
	.of_T = "positions of symbols and noise",
	.source = "Scored: the answers, which are read back as they are said (selective copying, Gu and Dao 2023: T=4096)",
	.options = options, .check = check, .characters = characters, .size = size, .draw = draw,
};
