/* Tasks: their text, their vocabulary, their batches. */
#include "data/task.h"

#include "base/rng.h"
#include "vocab/text_hash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const ur_task_kind *const kinds[] = {
#define UR_TASK(name) &ur_task_##name,
#include "data/tasks.def"
#undef UR_TASK
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char begin[] = "task:";
static const ur_option length_option[] = {
	{ "T", "how long the task is", 0, 1, UR_TASK_LONGEST, NULL, 1 },
	{ .name = NULL }
};

/* ---- drawing ---- */

/* Held-out sequences are the same whoever trains. */
static const uint64_t held_out_seed = 0x74657374;

static ur_draw draw_of(uint64_t seed, ur_part_of part, int64_t number)
{
	/* the part is in the counter, so that no seed of training can be that of the other parts */
	return (ur_draw){ .seed = part == UR_TRAIN ? seed : held_out_seed,
		.high = ur_rng_for(UR_RNG_TASK, (uint64_t)part << 54 | (uint64_t)number) };
}

int ur_draw_below(ur_draw *d, int n)
{
	if (d->at % 4 == 0)
		ur_rng4(d->seed, d->high, d->at / 4, d->word);
	return (int)((uint64_t)d->word[d->at++ % 4] * (uint64_t)n >> 32);
}

/* Floyd's (Bentley and Floyd 1987), kept in order. */
void ur_draw_places(ur_draw *d, int k, int n, int *place)
{
	for (int taken = 0; taken < k; taken++) {
		const int last = n - k + taken;
		int pick = ur_draw_below(d, last + 1), at = 0;

		while (at < taken && place[at] < pick)
			at++;
		if (at < taken && place[at] == pick) {
			pick = last; /* larger than all there are */
			at = taken;
		}
		memmove(place + at + 1, place + at, (size_t)(taken - at) * sizeof *place);
		place[at] = pick;
	}
}

void ur_task_draw(const ur_task *task, uint64_t seed, ur_part_of part, int64_t first, int B, int32_t *ids,
                  int32_t *targets)
{
	for (int b = 0; b < B; b++) {
		ur_draw d = draw_of(seed, part, first + b);
		task->kind->draw(task, &d, &(ur_sequence){ task->token, ids + b, targets + b, B });
	}
}

double ur_task_number(const ur_task *task, int token)
{
	for (int c = 0; c < 128 && task->kind->number; c++)
		if (task->token[c] == token)
			return task->kind->number(task, (char)c);
	return NAN;
}

/* ---- text ---- */

int ur_task_named(const char *text)
{
	return !strncmp(text, begin, sizeof begin - 1);
}

static ur_status parse_name(const char *text, size_t *at, ur_task *task, ur_err *err)
{
	const size_t from = sizeof begin - 1, n = strcspn(text + from, ",");
	char known[120] = "";

	for (int i = 0; i < KINDS; i++) {
		if (strlen(kinds[i]->name) == n && !memcmp(kinds[i]->name, text + from, n))
			task->kind = kinds[i];
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", kinds[i]->name);
	}
	if (!task->kind)
		return ur_point_at(text, from, err, "task: '%.*s' is no task; there are %s",
			(int)(n < 40 ? n : 40), text + from,
		                   known);
	*at = from + n;
	return UR_OK;
}

/* ,NAME=VALUE; given[0] is T's place, given[1 ...] the kind's options'; 0: not given. */
static ur_status parse_option(const char *text, size_t *at, ur_task *task, size_t given[UR_TASK_OPTIONS + 1],
                              ur_err *err)
{
	const size_t from = *at + 1, n = strcspn(text + from, "=,");
	const ur_option *o;
	char known[120] = "";
	double value = 0;
	ur_status status;
	size_t value_n;
	int i;

	if ((o = ur_option_find(length_option, text + from, n, &i)))
		i = 0;
	else if ((o = ur_option_find(task->kind->options, text + from, n, &i)))
		i++;
	if (!o) {
		ur_option_list(length_option, NULL, known, sizeof known);
		ur_option_list(task->kind->options, NULL, known, sizeof known);
		return ur_point_at(text, from, err, "task: %s has no option '%.*s'; it has %s", task->kind->name,
		                   (int)(n < 30 ? n : 30), text + from, known);
	}
	if (text[from + n] != '=')
		return ur_point_at(text, from + n, err, "task: expected %s=value", o->name);
	if (given[i])
		return ur_point_at(text, from, err, "task: option '%s' is given twice", o->name);
	given[i] = from + n + 1;
	value_n = strcspn(text + given[i], ",");
	if ((status = ur_option_value("task", text, given[i], value_n, o, &value, err)))
		return status;
	if (i == 0)
		task->T = (int)value;
	else
		task->option[i - 1] = value;
	*at = given[i] + value_n;
	return UR_OK;
}

static ur_status learn_vocab(ur_task *task, ur_err *err)
{
	char characters[128] = "";
	ur_vocab_builder *builder = NULL;
	ur_status status;

	task->kind->characters(task, characters);
	status = ur_vocab_builder_open(&(ur_vocab_request){ .kind = "char" }, &builder, err);
	if (!status)
		status = ur_vocab_builder_feed(builder, characters, strlen(characters), err);
	if (!status)
		status = ur_vocab_builder_finish(builder, &task->vocab, err);
	ur_vocab_builder_close(builder);
	memset(task->token, -1, sizeof task->token);
	for (const char *c = characters; *c && !status; c++)
		if (ur_vocab_encode(task->vocab, c, 1, &task->token[(unsigned char)*c], 1, err) != 1)
			status = UR_E_INVALID;
	return status;
}

ur_status ur_task_parse(const char *text, ur_task *task, ur_err *err)
{
	size_t given[UR_TASK_OPTIONS + 1] = { 0 }, at = 0;
	char said[160];
	ur_status status;

	*task = (ur_task){ 0 };
	if (!ur_task_named(text))
		return ur_point_at(text, 0, err, "task: begins with '%s', as in task:adding,T=200", begin);
	if (strlen(text) >= UR_TASK_TEXT)
		return ur_fail(err, UR_E_INVALID, "task: longer than %d characters", UR_TASK_TEXT - 1);
	if ((status = parse_name(text, &at, task, err)))
		return status;
	for (int i = 0; task->kind->options && task->kind->options[i].name; i++)
		task->option[i] = task->kind->options[i].standard;
	while (!status && text[at])
		status = parse_option(text, &at, task, given, err);
	if (!status && !given[0])
		status = ur_point_at(text, at, err, "task: T is missing: %s, as in task:%s,T=200", task->kind->of_T,
		                     task->kind->name);
	if (!status && task->kind->check && task->kind->check(task, said, sizeof said))
		status = ur_point_at(text, given[0], err, "task: %s", said);
	if (!status) {
		task->kind->size(task, &task->length, &task->scored);
		if (task->length > UR_TASK_LONGEST)
			status = ur_point_at(text, given[0], err, "task: a sequence would be %d tokens long; %d is the most",
			                     task->length, UR_TASK_LONGEST);
	}
	if (!status)
		status = learn_vocab(task, err);
	if (status)
		ur_task_free(task);
	else
		memcpy(task->text, text, strlen(text) + 1);
	return status;
}

void ur_task_free(ur_task *task)
{
	ur_vocab_free(task->vocab);
	*task = (ur_task){ 0 };
}

uint64_t ur_task_fingerprint(const ur_task *task)
{
	char text[300];
	int n = snprintf(text, sizeof text, "task 1 %s T=%d", task->kind->name, task->T); /* 1: of the definitions */
	ur_hash hash = { 0 };

	for (int i = 0; task->kind->options && task->kind->options[i].name; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " %s=%.17g", task->kind->options[i].name, task->option[i]);
	ur_hash_add(&hash, text, (size_t)n);
	return ur_hash_value(&hash);
}

void ur_task_help(void (*line)(void *arg, const char *name, const char *about), void *arg)
{
	char name[40], about[400];

	for (int i = 0; i < KINDS; i++) {
		snprintf(about, sizeof about, "%s. %s", kinds[i]->about, kinds[i]->source);
		line(arg, kinds[i]->name, about);
		line(arg, "  T=", kinds[i]->of_T);
		for (const ur_option *o = kinds[i]->options; o && o->name; o++) {
			snprintf(name, sizeof name, "  %s=", o->name);
			if (o->choices)
				snprintf(about, sizeof about, "%s: %s", o->about, o->choices);
			else
				snprintf(about, sizeof about, "%s: %g to %g (default %g)", o->about, o->least, o->most, o->standard);
			line(arg, name, about);
		}
	}
}
