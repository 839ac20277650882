/* Answers of a stream, a line each: columns with tabs between them, or JSON. */
#include "cli/cli_stream.h"

#include "vocab/utf8.h"

#include <math.h>
#include <stdlib.h>

struct ur_answers {
	const ur_model *m;
	int json, n, top;               /* outputs; of them shown, where they are classes */
	int best[];                     /* (top) */
};

ur_answers *ur_answers_open(const ur_model *m, int top, int json)
{
	const int n = unroll_outputs(m), shown = top < n ? top : n;
	ur_answers *a = malloc(sizeof *a + (size_t)shown * sizeof *a->best);

	if (a) {
		a->m = m;
		a->json = json;
		a->n = n;
		a->top = shown;
	}
	return a;
}

void ur_answers_close(ur_answers *a) { free(a); }

double ur_log_sum(const float *logits, int n)
{
	float most = -INFINITY;
	double sum = 0;

	for (int i = 0; i < n; i++)
		most = logits[i] > most ? logits[i] : most;
	for (int i = 0; i < n; i++)
		sum += exp((double)(logits[i] - most));
	return (double)most + log(sum);
}

void ur_find_best(const float *logits, int n, int top, int *best)
{
	int have = 0;

	for (int i = 0; i < n; i++) {
		int at = have;
		if (have == top && logits[i] <= logits[best[have - 1]])
			continue;
		if (have < top)
			have++;
		else
			at--;
		for (; at > 0 && logits[i] > logits[best[at - 1]]; at--)
			best[at] = best[at - 1];
		best[at] = i;
	}
}

static double probability(const ur_answer *answer, int i, double log_sum)
{
	return exp((double)answer->outputs[i] - log_sum);
}

/* A token's text, or a class's name; NULL: it is only a number. */
static const char *name_of(const ur_answers *a, int i, size_t *bytes)
{
	const char *text;

	if (unroll_vocabulary(a->m)) {
		*bytes = unroll_decode(a->m, i, &text);
		return text;
	}
	text = unroll_output_name(a->m, i);
	*bytes = text ? strlen(text) : 0;
	return text;
}

/* ---- plain ---- */

static void put_text(const char *text, size_t bytes)
{
	const unsigned char *s = (const unsigned char *)text;
	const int whole = ur_utf8_valid(s, bytes) == bytes;

	for (size_t i = 0; i < bytes; i++) {
		static const char plain[] = "\t\n\r\\", letter[] = "tnr\\";
		const char *at = s[i] ? strchr(plain, s[i]) : NULL;

		if (at)
			(void)printf("\\%c", letter[at - plain]);
		else if (s[i] < ' ' || s[i] == 0x7F || (s[i] > 0x7F && !whole))
			(void)printf("\\x%02X", s[i]);
		else
			(void)putchar(s[i]);
	}
}

static void put_number(double x, const char *format)
{
	(void)putchar('\t');
	if (isnan(x))
		(void)putchar('-');
	else
		(void)printf(format, x);
}

static void print_plain(const ur_answers *a, const ur_answer *answer, double log_sum)
{
	(void)printf("%lld\t%lld", (long long)answer->event, (long long)answer->position);
	if (unroll_vocabulary(a->m)) {
		(void)printf("\t%lld", (long long)answer->tokens);
		put_number(answer->surprise, "%.6g");
	}
	if (unroll_output_kind(a->m) != UNROLL_CLASSES) {
		for (int i = 0; i < a->n; i++)
			put_number((double)answer->outputs[i], "%.9g");
	} else {
		for (int k = 0; k < a->top; k++) {
			size_t bytes;
			const char *name;

			if (!answer->outputs) {
				(void)fputs("\t-\t-", stdout);
				continue;
			}
			name = name_of(a, a->best[k], &bytes);
			(void)putchar('\t');
			if (name)
				put_text(name, bytes);
			else
				(void)printf("%d", a->best[k]);
			put_number(probability(answer, a->best[k], log_sum), "%.6g");
		}
	}
	(void)putchar('\n');
}

/* ---- JSON ---- */

static void set_class(const ur_answers *a, const ur_answer *answer, int i, double log_sum, json_t *to)
{
	const int text = unroll_vocabulary(a->m) > 0;
	size_t bytes;
	const char *name = name_of(a, i, &bytes);

	if (text)
		(void)json_object_set_new(to, "token", json_integer(i));
	(void)json_object_set_new(to, text ? "next" : "class", name ? ur_json_text(name, bytes) : json_integer(i));
	(void)json_object_set_new(to, "probability", ur_json_number(probability(answer, i, log_sum)));
}

static json_t *values_of(const ur_answers *a, const ur_answer *answer)
{
	const int named = a->n > 0 && unroll_output_name(a->m, 0);
	json_t *list = named ? json_object() : json_array();

	for (int i = 0; i < a->n; i++) {
		json_t *x = ur_json_number((double)answer->outputs[i]);
		if (named)
			(void)json_object_set_new(list, unroll_output_name(a->m, i), x);
		else
			(void)json_array_append_new(list, x);
	}
	return list;
}

static ur_status print_json(const ur_answers *a, const ur_answer *answer, double log_sum, ur_err *err)
{
	const unroll_says says = unroll_output_kind(a->m);
	json_t *line = json_pack("{s:I, s:I}", "event", (json_int_t)answer->event,
	                         "position", (json_int_t)answer->position);
	char *text = NULL;

	if (unroll_vocabulary(a->m)) {
		(void)json_object_set_new(line, "tokens", json_integer((json_int_t)answer->tokens));
		(void)json_object_set_new(line, "surprise", ur_json_number(answer->surprise));
	}
	if (says != UNROLL_CLASSES) {
		(void)json_object_set_new(line, says == UNROLL_VALUES ? "values" : "hidden", values_of(a, answer));
	} else if (answer->outputs) {
		set_class(a, answer, a->best[0], log_sum, line);
		if (a->top > 1) {
			json_t *list = json_array();
			for (int k = 0; k < a->top; k++) {
				json_t *one = json_object();
				set_class(a, answer, a->best[k], log_sum, one);
				(void)json_array_append_new(list, one);
			}
			(void)json_object_set_new(line, "top", list);
		}
	}
	if (line)
		text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(line);
	if (!text)
		return ur_fail(err, UR_E_NOMEM, "out of memory for an answer");
	(void)fputs(text, stdout);
	(void)putchar('\n');
	free(text);
	return UR_OK;
}

ur_status ur_answers_print(ur_answers *a, const ur_answer *answer, ur_err *err)
{
	double log_sum = 0;
	int numbers = 1;

	for (int i = 0; answer->outputs && i < a->n; i++)
		numbers &= isfinite(answer->outputs[i]) != 0;
	if (!numbers)
		return ur_fail(err, UR_E_DIVERGED, "event %lld: the model's answer is not a number: a value that it was fed is "
		               "far too large, or its weights are damaged", (long long)answer->event);
	if (answer->outputs && unroll_output_kind(a->m) == UNROLL_CLASSES) {
		log_sum = ur_log_sum(answer->outputs, a->n);
		ur_find_best(answer->outputs, a->n, a->top, a->best);
	}
	if (a->json)
		return print_json(a, answer, log_sum, err);
	print_plain(a, answer, log_sum);
	return UR_OK;
}
