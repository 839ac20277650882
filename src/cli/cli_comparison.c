/* A comparison in tables of at most 80 columns with the recommendation, or as CSV, from its document
 * (docs/COMPARISON.md) alone. */
#include "cli/cli_compare.h"

#include "compare/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { COLUMNS = 80, NAMES = 13 };

/* ---- reading ---- */

static double number(const json_t *j, const char *key)
{
	const json_t *value = json_object_get(j, key);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *string(const json_t *j, const char *key)
{
	const char *value = json_string_value(json_object_get(j, key));
	return value ? value : "";
}

static json_t *at(const json_t *j, const char *key) { return json_object_get(j, key); }

static const json_t *item(const json_t *list, size_t i) { return json_array_get(list, i); }

/* ---- text ---- */

typedef struct ur_line { char text[UR_ADVICE]; size_t n; } ur_line;

static void add(ur_line *l, const char *format, ...) UR_PRINTF(2, 3);
static void add(ur_line *l, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(l->text + l->n, sizeof l->text - l->n, format, list);
	va_end(list);
	l->n += strlen(l->text + l->n);
}

static void print_paragraph(const ur_line *l)
{
	char shown[sizeof l->text];
	ur_print_wrapped(stdout, ur_visible(l->text, shown, sizeof shown), 0, 0, COLUMNS);
}

/* A row's first column; a name too long for it gets a line of its own. */
static void print_name(const json_t *k)
{
	char shown[80];

	ur_visible(string(k, "name"), shown, sizeof shown);
	if (strlen(shown) >= NAMES)
		printf("%s\n%-*s", shown, NAMES, "");
	else
		printf("%-*s", NAMES, shown);
}

static void print_number(double x, int width, int digits)
{
	if (isfinite(x))
		printf("%*.*f", width, digits, x);
	else
		printf("%*s", width, "-");
}

static void print_size(double x, int width) { print_number(x, width, x < 99.95 ? 1 : 0); }

static const char *commas(double x, ur_short out) { return isfinite(x) ? ur_commas((int64_t)x, out) : "?"; }

/* Of pairs: what was measured of a model's translations. */
static const json_t *translations(const json_t *document, const json_t *k)
{
	const json_t *list = at(at(document, "pairs"), "models");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(string(item(list, i), "name"), string(k, "name")))
			return item(list, i);
	return NULL;
}

static int of_pairs(const json_t *document) { return json_is_object(at(document, "pairs")); }

/* ---- tables ---- */

/* Contenders by rank; those that have none last. Returns how many, at most `room`. */
static int ranked(const json_t *document, const json_t *order[], int room)
{
	const json_t *list = at(document, "contenders");
	int n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < room; i++) {
		const json_t *k = item(list, i);
		const double rank = number(k, "rank");
		int place = n++;
		for (; place > 0 &&
		       rank < (isnan(number(order[place - 1], "rank")) ? INFINITY : number(order[place - 1], "rank"));
		     place--)
			order[place] = order[place - 1];
		order[place] = k;
	}
	return n;
}

static void print_head(const json_t *d)
{
	const json_t *data = at(d, "data"), *setting = at(d, "setting"), *machine = at(d, "machine");
	const json_t *seeds = at(setting, "seeds"), *tuned = at(setting, "tuned");
	const int trials = (int)json_integer_value(at(setting, "trials"));
	ur_short a, b, c, e;
	ur_line l = { .n = 0 };

	add(&l, "%s: %s%s tokens to train on, %s to choose learning rates on, %s held out to compare on. "
	    "Vocabulary: %s, %s tokens",
	    string(data, "name"), of_pairs(d) ? "pairs, in their targets " : "", commas(number(data, "train_tokens"), a),
	    commas(number(data, "val_tokens"), b),
	    json_is_true(at(data, "heldout_is_test")) ? commas(number(data, "scored_tokens"), c) : "the same",
	    string(data, "vocabulary"), ur_say_count(number(data, "vocabulary_size"), e));
	if (of_pairs(d))
		add(&l, "; of sources: %s, %s tokens", string(at(d, "pairs"), "source_vocabulary"),
		    ur_say_count(number(at(d, "pairs"), "source_vocabulary_size"), e));
	add(&l, *string(data, "note") ? "; %s." : ".", string(data, "note"));
	print_paragraph(&l);
	l.n = 0;
	add(&l, "Budget: %s, %s tokens a step. ", string(at(d, "budget"), "text"),
	    commas(number(setting, "step_tokens"), a));
	if (json_array_size(tuned)) {
		for (size_t i = 0; i < json_array_size(tuned); i++)
			add(&l, "%s%s", i ? ", " : "Tuned: ", json_string_value(item(tuned, i)));
		add(&l, ", each with %d trial%s of %.0f%% of a run. ", trials, trials == 1 ? "" : "s",
		    100 * number(setting, "trial_share"));
	}
	add(&l, "Seed%s", json_array_size(seeds) == 1 ? "" : "s");
	for (size_t i = 0; i < json_array_size(seeds); i++)
		add(&l, " %lld", (long long)json_integer_value(item(seeds, i)));
	add(&l, ". All took %s on %d thread%s of %s (%s).", ur_time_text(number(d, "seconds"), a),
	    (int)json_integer_value(at(machine, "threads")), json_integer_value(at(machine, "threads")) == 1 ? "" : "s",
	    string(machine, "processor"), string(machine, "kernels"));
	print_paragraph(&l);
}

static void print_trials(const json_t *k)
{
	const json_t *tuning = at(k, "tuning");
	int column;

	if (!json_array_size(tuning))
		printf("  %.3g", number(k, "lr"));
	for (size_t p = 0; p < json_array_size(tuning); p++) {
		const json_t *trials = at(item(tuning, p), "trials");
		const char *name = string(item(tuning, p), "parameter");
		printf("%s%*s%s", p ? "\n" : "", p ? NAMES + 2 : 2, "", name);
		column = NAMES + 2 + (int)strlen(name);
		for (size_t i = 0; i < json_array_size(trials); i++) {
			const json_t *t = item(trials, i);
			char text[48];
			int n = isnan(number(t, "loss")) ? snprintf(text, sizeof text, "%.3g diverged", number(t, "value"))
			        : snprintf(text, sizeof text, "%.3g %.3f%s", number(t, "value"), number(t, "loss"),
			                   json_is_true(at(t, "chosen")) ? "*" : "");
			if (column + 2 + n > COLUMNS) {
				printf("\n%*s", NAMES, "");
				column = NAMES;
			}
			printf("  %s", text);
			column += 2 + n;
		}
	}
	putchar('\n');
}

static void print_models(const json_t *const *order, int n)
{
	ur_short a, b;
	char shown[80];
	int tuned = 0;

	printf("\n%-*s%11s%8s%9s  %s\n", NAMES, "model", "parameters", "off by", "trained", "spec");
	for (int i = 0; i < n; i++) {
		const json_t *k = order[i];
		print_name(k);
		printf("%11s%+7.1f%%%9s  %.*s\n", commas(number(k, "parameters"), a), 100 * number(k, "deviation"),
		       ur_say_count(number(k, "tokens"), b), COLUMNS - NAMES - 30,
		       ur_visible(string(k, "spec"), shown, sizeof shown));
		tuned |= json_array_size(at(k, "tuning")) > 0;
	}
	if (!isfinite(number(order[0], "lr")))
		return;
	printf("\n%-*s  %s\n", NAMES, "settings",
	       tuned ? "tried, then the loss they led to (* taken)" : "learning rate, as given");
	for (int i = 0; i < n; i++) {
		print_name(order[i]);
		print_trials(order[i]);
	}
}

/* "1.7941 ±0.004" is wide; half an interval in a column of its own. */
static void print_half(const json_t *interval, int width)
{
	print_number((number(interval, "high") - number(interval, "low")) / 2, width, 4);
}

static void print_quality(const json_t *d, const json_t *const *order, int n)
{
	char head[32] = "";

	/* of pairs there is no shorter context */
	if (json_is_integer(at(at(d, "setting"), "context")))
		(void)snprintf(head, sizeof head, "%lld ctx", (long long)json_integer_value(at(at(d, "setting"), "context")));
	printf("\n%-*s%9s%9s%9s%10s%9s%9s  %s\n", NAMES, "quality", "nats/tok", "+-95%", head, "bits/byte", "above", "p",
	       "verdict");
	for (int i = 0; i < n; i++) {
		const json_t *k = order[i], *above = at(k, "above_best");

		print_name(k);
		if (json_is_true(at(k, "diverged"))) {
			printf("%9s\n", "diverged");
			continue;
		}
		print_number(number(at(k, "loss"), "mean"), 9, 4);
		print_half(at(k, "loss"), 9);
		if (*head)
			print_number(number(at(k, "loss_same"), "mean"), 9, 4);
		else
			printf("%9s", "");
		print_number(number(at(k, "bits_per_byte"), "mean"), 10, 4);
		if (!json_is_object(above)) {
			printf("%9s%9s  best\n", "", "");
			continue;
		}
		print_number(number(above, "mean"), 9, 4);
		if (isfinite(number(above, "p_holm")))
			printf("%9.2g", number(above, "p_holm"));
		else
			printf("%9s", "-");
		printf("  %s\n", string(above, "verdict"));
	}
}

static const json_t *step_at(const json_t *k, double position)
{
	const json_t *steps = at(k, "steps");

	for (size_t s = 0; s < json_array_size(steps); s++)
		if (!(fabs(number(item(steps, s), "position") - position) > 0))
			return item(steps, s);
	return NULL;
}

static void print_cost(const json_t *d, const json_t *const *order, int n)
{
	const double position = number(at(d, "setting"), "position");
	ur_short a;
	ur_line l = { .n = 0 };

	printf("\n%-*s%9s%9s%9s%9s%9s%8s%9s\n", NAMES, "cost", "training", "memory", "memory", "step", "step", "state",
	       "weights");
	printf("%-*s%9s%9s%9s%9s%9s%8s%9s\n", NAMES, "", "tokens/s", "plan MiB", "peak MiB", "p50 us", "p99 us", "KiB",
	       "KiB");
	for (int i = 0; i < n; i++) {
		const json_t *k = order[i], *step = step_at(k, position);
		if (json_is_true(at(k, "diverged")))
			continue;
		print_name(k);
		printf("%9s", commas(number(k, "train_tokens_per_second"), a));
		print_size(number(at(k, "memory"), "planned") / 1048576, 9);
		print_size(number(at(k, "memory"), "peak") / 1048576, 9);
		print_size(number(step, "p50_us"), 9);
		print_size(number(step, "p99_us"), 9);
		print_size(number(step, "state_bytes") / 1024, 8);
		print_size(number(k, "weight_bytes") / 1024, 9);
		putchar('\n');
	}
	add(&l, "Step: one token of one stream on one thread, after %s tokens; state: what saving that stream would "
	    "write. Memory: of training, planned, and the whole process at most.", commas(position, a));
	print_paragraph(&l);
}

/* A mean, then half of its interval. */
static void print_share(const json_t *interval, double times)
{
	print_number(times * number(interval, "mean"), 8, 1);
	/* what would leave the possible is cut off on one side */
	print_number(times * fmax(number(interval, "high") - number(interval, "mean"),
	                          number(interval, "mean") - number(interval, "low")), 6, 1);
}

static void print_translations(const json_t *d, const json_t *const *order, int n)
{
	const json_t *pairs = at(d, "pairs");
	const int beam = (int)json_integer_value(at(pairs, "beam"));
	ur_short a, b;
	ur_line l = { .n = 0 };

	printf("\n%-*s%8s%6s%8s%6s%8s%6s%8s%6s%7s\n", NAMES, "translations", "exact", "+-95%", "BLEU", "+-95%", "wrong",
	       "+-95%", "wrong", "+-95%", "cut");
	printf("%-*s%8s%6s%8s%6s%8s%6s%8s%6s%7s\n", NAMES, "", "%", "", "", "", "tokens%", "", "words%", "", "%");
	for (int i = 0; i < n; i++) {
		const json_t *t = translations(d, order[i]);
		if (!t)
			continue;
		print_name(order[i]);
		print_share(at(t, "exact"), 100);
		print_share(at(t, "bleu"), 1);
		print_share(at(t, "token_errors"), 100);
		print_share(at(t, "word_errors"), 100);
		print_number(100 * number(at(t, "cut"), "mean"), 7, 1);
		putchar('\n');
	}
	add(&l, "Of %s held-out sources, ", commas(number(pairs, "sources"), a));
	add(&l, beam > 1 ? "with a beam of %d" : "greedily", beam);
	add(&l, "; wrong: to insert, delete or change, of each in the reference; cut: without an end.");
	if (number(pairs, "left_out") > 0)
		add(&l, " %s held-out pairs are too long for the most limited model and left out for all.",
		    commas(number(pairs, "left_out"), b));
	print_paragraph(&l);
}

/* Wrong tokens by length of the source, a column a bin of the first that has them. */
static void print_lengths(const json_t *d, const json_t *const *order, int n)
{
	enum { MOST = 8 };
	const json_t *bins = NULL;
	size_t count, shown;

	for (int i = 0; i < n && !json_array_size(bins); i++)
		bins = at(translations(d, order[i]), "by_source_length");
	if (!(count = json_array_size(bins)))
		return;
	shown = count < MOST ? count : MOST;
	printf("\n%-*s", NAMES, "wrong % at");
	for (size_t column = 0; column < shown; column++) {
		const size_t b = shown > 1 ? column * (count - 1) / (shown - 1) : 0;
		char head[40];
		const double from = number(item(bins, b), "from"), to = number(item(bins, b), "to");
		(void)snprintf(head, sizeof head, from < to ? "%.0f-%.0f" : "%.0f", from, to);
		printf("%7s", head);
	}
	printf("  tokens\n");
	for (int i = 0; i < n; i++) {
		const json_t *own = at(translations(d, order[i]), "by_source_length");
		if (!json_array_size(own))
			continue;
		print_name(order[i]);
		for (size_t column = 0; column < shown; column++)
			print_number(100 * number(at(item(own, shown > 1 ? column * (count - 1) / (shown - 1) : 0), "token_errors"),
			                          "value"), 7, 1);
		putchar('\n');
	}
}

static void print_pair_cost(const json_t *d, const json_t *const *order, int n)
{
	ur_short a;
	ur_line l = { .n = 0 };
	const json_t *some = NULL;

	printf("\n%-*s%9s%9s%9s%8s%8s%9s%7s%8s\n", NAMES, "cost", "training", "memory", "memory", "alone", "alone",
	       "batches", "held", "weights");
	printf("%-*s%9s%9s%9s%8s%8s%9s%7s%8s\n", NAMES, "", "tokens/s", "plan MiB", "peak MiB", "p50 ms", "p99 ms",
	       "a second", "KiB", "KiB");
	for (int i = 0; i < n; i++) {
		const json_t *k = order[i], *t = translations(d, k), *one = at(t, "sentence");
		if (!t)
			continue;
		some = json_is_object(one) ? one : some;
		print_name(k);
		printf("%9s", commas(number(k, "train_tokens_per_second"), a));
		print_size(number(at(k, "memory"), "planned") / 1048576, 9);
		print_size(number(at(k, "memory"), "peak") / 1048576, 9);
		print_number(number(one, "p50_us") / 1e3, 8, 2);
		print_number(number(one, "p99_us") / 1e3, 8, 2);
		print_size(number(t, "sentences_per_second"), 9);
		print_size((number(one, "remembered_bytes") + number(one, "state_bytes")) / 1024, 7);
		print_size(number(k, "weight_bytes") / 1024, 8);
		putchar('\n');
	}
	add(&l, "Alone: a sentence at a time on one thread; batches: sentences, on all. Held: what is kept of a source of "
	    "%s tokens and of the decoder's state. Memory: of training, planned, and the whole process at most.",
	    commas(number(some, "source_tokens"), a));
	print_paragraph(&l);
}

static const json_t *prefill_at(const json_t *k, int64_t T)
{
	const json_t *list = at(k, "prefill");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_integer_value(at(item(list, i), "T")) == T)
			return item(list, i);
	return NULL;
}

static void print_prefill(const json_t *const *order, int n)
{
	static const int64_t lengths[] = { 128, 512, 2048, 8192, 32768 };
	ur_short a;

	printf("\n%-*s", NAMES, "sequence, ms");
	for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
		char head[40];
		(void)snprintf(head, sizeof head, "T=%s", ur_commas(lengths[l], a));
		printf("%9s", head);
	}
	printf("  as T^\n");
	for (int i = 0; i < n; i++) {
		const json_t *fit = at(order[i], "prefill_fit");
		if (json_is_true(at(order[i], "diverged")))
			continue;
		print_name(order[i]);
		for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
			const double ms = 1e3 * number(prefill_at(order[i], lengths[l]), "seconds");
			print_number(ms, 9, ms < 9.95 ? 2 : ms < 99.5 ? 1 : 0);
		}
		if (json_is_object(fit))
			printf("  %.2f", number(fit, "exponent"));
		if (isfinite(number(fit, "low")))
			printf(" (%.2f to %.2f)", number(fit, "low"), number(fit, "high"));
		putchar('\n');
	}
}

static void print_equal(const json_t *d)
{
	const json_t *equal = at(d, "equal"), *lengths = at(d, "by_length");
	ur_short a;

	for (size_t i = 0; i < json_array_size(equal); i++) {
		const json_t *e = item(equal, i), *entries = at(e, "entries"), *tied = at(e, "tied");
		ur_line l = { .n = 0 };

		const int time = !strcmp(string(e, "axis"), "seconds");

		const int range = number(e, "high") > 1.02 * number(e, "low");

		add(&l, "At equal %s (%s", time ? "time" : string(e, "axis"), ur_say_count(number(e, range ? "low" : "at"), a));
		if (range)
			add(&l, " to %s", ur_say_count(number(e, "high"), a));
		add(&l, "%s, %s; %s loss): ", time ? " s" : "", string(e, "when"), string(e, "of"));
		add(&l, "%s leads", string(e, "leader"));
		for (size_t t = 0; t < json_array_size(tied); t++)
			add(&l, "%s%s", t ? ", " : ", not to be told from ", json_string_value(item(tied, t)));
		for (size_t k = 0; k < json_array_size(entries); k++)
			add(&l, "%s%s %.4f", k ? ", " : ". ", string(item(entries, k), "name"),
			    number(at(item(entries, k), "loss"), "mean"));
		add(&l, ".");
		if (i == 0)
			putchar('\n');
		print_paragraph(&l);
	}
	if (json_array_size(lengths)) {
		ur_line l = { .n = 0 };
		add(&l, "Predicted, had every sequence been so long, the lowest loss in the same time:");
		for (size_t i = 0; i < json_array_size(lengths); i++) {
			const char *winner = string(item(lengths, i), "winner");
			add(&l, "%s T=%s %s", i ? "," : "", commas(number(item(lengths, i), "T"), a), *winner ? winner : "unknown");
		}
		add(&l, ".");
		print_paragraph(&l);
	}
}

/* Line by line, so that what is listed hangs behind its dash. */
static void print_advice(const char *text)
{
	while (*text) {
		int dash = text[0] == '-' ? 2 : 0, n = (int)strcspn(text, "\n");
		ur_line l = { .n = 0 };
		char shown[sizeof l.text];

		add(&l, "%.*s", n, text);
		text += n + (text[n] == '\n');
		ur_visible(l.text, shown, sizeof shown);
		printf("%.*s", dash, shown);
		ur_print_wrapped(stdout, shown + dash, dash, dash, COLUMNS);
	}
	putchar('\n');
}

void ur_comparison_print(const json_t *document)
{
	const json_t *order[UR_MOST_CONTENDERS];
	const int n = ranked(document, order, UR_MOST_CONTENDERS), done = !strcmp(string(document, "state"), "done");
	char shown[16384];
	int said = 0;

	print_head(document);
	print_models(order, n);
	if (!done) {
		const double share = number(at(document, "stage"), "share");
		printf("\nIt is not done%s%s", *string(at(document, "stage"), "what") ? ": " : "",
		       string(at(document, "stage"), "what"));
		printf(isfinite(share) ? ", %.0f %% of the whole.\n" : ".\n", 100 * share);
		return;
	}
	print_quality(document, order, n);
	if (of_pairs(document)) {
		print_translations(document, order, n);
		print_lengths(document, order, n);
		print_pair_cost(document, order, n);
	} else {
		print_cost(document, order, n);
		print_prefill(order, n);
	}
	print_equal(document);
	putchar('\n');
	print_advice(string(at(document, "advice"), "text"));
	for (int i = 0; i < n; i++)
		if (*string(order[i], "model"))
			printf("%-9s%s\n", said++ ? "" : "models", ur_visible(string(order[i], "model"), shown, sizeof shown));
	if (*string(document, "again"))
		printf("%-9s%s\n", "again", ur_visible(string(document, "again"), shown, sizeof shown));
}

/* ---- CSV ---- */

static void put_number(double x)
{
	putchar(',');
	if (isfinite(x))
		printf("%.9g", x);
}

static void put_translations(const json_t *t)
{
	static const char *const means[] = { "exact", "bleu", "token_errors", "word_errors", "cut" };
	const json_t *one = at(t, "sentence");

	for (size_t i = 0; i < sizeof means / sizeof *means; i++)
		put_number(number(at(t, means[i]), "mean"));
	put_number(number(one, "p50_us"));
	put_number(number(one, "p99_us"));
	put_number(number(t, "sentences_per_second"));
	put_number(number(one, "remembered_bytes"));
	put_number(number(one, "state_bytes"));
}

void ur_comparison_csv(const json_t *document)
{
	const json_t *order[UR_MOST_CONTENDERS];
	const int n = ranked(document, order, UR_MOST_CONTENDERS);
	const double position = number(at(document, "setting"), "position");

	printf("name,spec,parameters,tokens,lr,diverged,rank,loss,loss_low,loss_high,loss_same,bits_per_byte,above_best,"
	       "p_holm,verdict,train_tokens_per_second,memory_planned,memory_peak,step_p50_us,step_p99_us,state_bytes,"
	       "weight_bytes,prefill_exponent");
	printf(of_pairs(document) ? ",exact,bleu,token_errors,word_errors,cut,sentence_p50_us,sentence_p99_us,"
	       "sentences_per_second,source_bytes,decoder_bytes\r\n" : "\r\n");
	for (int i = 0; i < n; i++) {
		const json_t *k = order[i], *above = at(k, "above_best"), *step = step_at(k, position);
		ur_csv_text(string(k, "name"));
		putchar(',');
		ur_csv_text(string(k, "spec"));
		put_number(number(k, "parameters"));
		put_number(number(k, "tokens"));
		put_number(number(k, "lr"));
		printf(",%d", json_is_true(at(k, "diverged")));
		put_number(number(k, "rank"));
		put_number(number(at(k, "loss"), "mean"));
		put_number(number(at(k, "loss"), "low"));
		put_number(number(at(k, "loss"), "high"));
		put_number(number(at(k, "loss_same"), "mean"));
		put_number(number(at(k, "bits_per_byte"), "mean"));
		put_number(number(above, "mean"));
		put_number(number(above, "p_holm"));
		printf(",%s", json_is_object(above) ? string(above, "verdict") : isfinite(number(k, "rank")) ? "best" : "");
		put_number(number(k, "train_tokens_per_second"));
		put_number(number(at(k, "memory"), "planned"));
		put_number(number(at(k, "memory"), "peak"));
		put_number(number(step, "p50_us"));
		put_number(number(step, "p99_us"));
		put_number(number(step, "state_bytes"));
		put_number(number(k, "weight_bytes"));
		put_number(number(at(k, "prefill_fit"), "exponent"));
		if (of_pairs(document))
			put_translations(translations(document, k));
		printf("\r\n");
	}
}

void ur_comparison_outcome(const json_t *document, char *out, size_t room)
{
	const char *pick = string(at(document, "advice"), "pick");
	const json_t *stage = at(document, "stage");
	const double share = number(stage, "share");

	if (*pick)
		(void)snprintf(out, room, "use %s", pick);
	else
		(void)snprintf(out, room, "%s%s%s", string(stage, "what"), *string(stage, "name") ? " " : "",
		               string(stage, "name"));
	if (!*pick && share >= 0 && share <= 1)
		(void)snprintf(out + strlen(out), room - strlen(out), " %.0f %%", 100 * share);
}
