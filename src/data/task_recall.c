/* Associative recall (Graves, Wayne and Danihelka 2014; Ba et al. 2016; of several queries, Arora et al. 2023): pairs
 * of a key and its value, noise, then a key whose value is to be said. Keys are different, values need not be.
 *
 *     read   k C b A f A . . . . b         say   A at the last 'b' */
#include "data/task.h"

#include <stdio.h>

enum { PAIRS, KEYS, VALUES, QUERIES, MOST = 26 };

static const ur_option options[] = {
	[PAIRS] = { "pairs", "keys and values to remember", 8, 1, MOST, NULL, 1 },
	[KEYS] = { "keys", "how many different keys there are", 16, 1, MOST, NULL, 1 },
	[VALUES] = { "values", "how many different values there are", 16, 2, MOST, NULL, 1 },
	[QUERIES] = { "queries", "keys that are asked for, one after the other", 1, 1, MOST, NULL, 1 },
	{ .name = NULL }
};
_Static_assert(sizeof options / sizeof *options - 1 <= UR_TASK_OPTIONS, "room for the options");

static int check(const ur_task *t, char *said, size_t room)
{
	const int pairs = (int)t->option[PAIRS], keys = (int)t->option[KEYS], queries = (int)t->option[QUERIES];

	if (pairs > keys)
		return snprintf(said, room, "%d pairs want as many different keys, and there are %d; use keys=%d", pairs, keys,
		                pairs);
	if (queries > pairs)
		return snprintf(said, room, "%d queries of %d pairs: each is asked for once at most", queries, pairs);
	return t->T < 2 * pairs ? snprintf(said, room, "%d pairs take %d of T = %d positions; use T=%d or pairs=%d", pairs,
	                                   2 * pairs, t->T, 2 * pairs, t->T / 2) : 0;
}

static void characters(const ur_task *t, char *out)
{
	for (int i = 0; i < (int)t->option[KEYS]; i++)
		*out++ = (char)('a' + i);
	for (int i = 0; i < (int)t->option[VALUES]; i++)
		*out++ = (char)('A' + i);
	*out++ = '.';
	*out = 0;
}

static void size(const ur_task *t, int *length, int *scored)
{
	*scored = (int)t->option[QUERIES];
	*length = t->T + 2 * *scored - 1; /* the last answer is not read */
}

/* The numbers below n in a random order (Fisher and Yates), of which the first k are right. */
static void shuffle(ur_draw *d, int k, int n, int *of)
{
	for (int i = 0; i < n; i++)
		of[i] = i;
	for (int i = 0; i < k; i++) {
		const int j = i + ur_draw_below(d, n - i), kept = of[i];
		of[i] = of[j];
		of[j] = kept;
	}
}

static void draw(const ur_task *t, ur_draw *d, const ur_sequence *s)
{
	const int pairs = (int)t->option[PAIRS], queries = (int)t->option[QUERIES];
	int key[MOST], asked[MOST];
	char value[MOST];

	shuffle(d, pairs, (int)t->option[KEYS], key);
	shuffle(d, queries, pairs, asked);
	for (int i = 0; i < pairs; i++) {
		value[i] = (char)('A' + ur_draw_below(d, (int)t->option[VALUES]));
		ur_sequence_put(s, 2 * i, (char)('a' + key[i]), 0);
		ur_sequence_put(s, 2 * i + 1, value[i], 0);
	}
	for (int i = 2 * pairs; i < t->T; i++)
		ur_sequence_put(s, i, '.', 0);
	for (int i = 0; i < queries; i++) {
		if (i)
			ur_sequence_put(s, t->T + 2 * i - 1, value[asked[i - 1]], 0);
		ur_sequence_put(s, t->T + 2 * i, (char)('a' + key[asked[i]]), value[asked[i]]);
	}
}

const ur_task_kind ur_task_recall = {
	.name = "recall",
	.about = "keys (a, b, ...) each followed by its value (A, B, ...), noise up to T, then a key; say its value",
	.of_T = "positions before the first key that is asked for",
	.source = "Scored: the values that are asked for (associative recall, Graves et al. 2014; Arora et al. 2023)",
	.options = options, .check = check, .characters = characters, .size = size, .draw = draw,
};
