/* Comparing on pairs: every model is trained, validated and scored on the same pairs, those that the most limited one
 * takes; tokens are those of the targets, ends included. At its end each run translates held-out sources. */
#include "compare/on_pairs.h"

#include "base/machine.h"
#include "train/score_pairs.h"
#include "vocab/text_hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longer pairs are left out of training unless --seq-len says otherwise, and limited models are not built for them. */
enum { LONGEST = 256, SCORE_BATCH = 64, TRANSLATE_BATCH = 32, TIMED = 32 };

static ur_status no_memory(ur_err *err) { return ur_fail(err, UR_E_NOMEM, "no memory for the list of pairs"); }

static int side_tokens(const ur_pairs *p, int64_t pair, int side)
{
	int n;
	(void)ur_pairs_tokens(p, pair, side, &n);
	return n + 1;
}

static int longer_side(const ur_pairs *p, int64_t pair)
{
	const int source = side_tokens(p, pair, UR_SOURCE), target = side_tokens(p, pair, UR_TARGET);
	return source > target ? source : target;
}

static ur_words words(const ur_compare *w) { return ur_job_words(&(ur_job){ .pairs = w->pairs }); }

/* -- parts -- */

static ur_status begin(ur_comparing *q, ur_err *err)
{
	const ur_compare *w = q->what;
	const ur_pair_split *s = w->pair_split;
	struct ur_held_pairs *h = q->pairs = calloc(1, sizeof *h);

	if (!h)
		return no_memory(err);
	q->out->own_heldout = s->n[UR_TEST] > 0;
	h->part = q->out->own_heldout ? UR_TEST : UR_VAL;
	if (s->n[UR_VAL] < 1)
		return ur_fail(err, UR_E_INVALID, "learning rates are chosen on the validation part, and none of the pairs is "
			"in it: there are too few, or --val is too small");
	for (int part = 0; part < UR_PARTS; part++)
		for (int64_t i = 0; i < s->n[part]; i++) {
			const int n = longer_side(w->pairs, s->index[part][i]);
			h->longest = n > h->longest ? n : h->longest;
		}
	return UR_OK;
}

static void end(ur_comparing *q)
{
	if (!q->pairs)
		return;
	for (int part = 0; part < UR_PARTS; part++)
		free(q->pairs->split.index[part]);
	free(q->pairs->index);
	free(q->pairs->block);
	free(q->pairs);
}

static int context(const ur_comparing *q) { return q->pairs->longest < LONGEST ? q->pairs->longest : LONGEST; }

static int window(const ur_comparing *q, int64_t tokens)
{
	(void)tokens;
	return context(q);
}

/* Pairs of at most `most` tokens a side (0: all) of one part; their targets' tokens. */
static ur_status take_part(ur_comparing *q, ur_part_of part, int64_t most, int64_t *tokens, ur_err *err)
{
	const ur_pairs *p = q->what->pairs;
	const ur_pair_split *from = q->what->pair_split;
	ur_pair_split *to = &q->pairs->split;

	if (!(to->index[part] = malloc((size_t)(from->n[part] ? from->n[part] : 1) * sizeof *to->index[part])))
		return no_memory(err);
	*tokens = 0;
	for (int64_t i = 0; i < from->n[part]; i++) {
		const int64_t pair = from->index[part][i];
		if (most > 0 && longer_side(p, pair) > most)
			continue;
		to->index[part][to->n[part]++] = pair;
		*tokens += side_tokens(p, pair, UR_TARGET);
	}
	return UR_OK;
}

static ur_status fit(ur_comparing *q, ur_err *err)
{
	ur_comparison *o = q->out;
	const struct ur_held_pairs *h = q->pairs;
	int64_t limit = 0;
	ur_status status;

	o->context = 0;
	for (int i = 0; i < o->n; i++) {
		ur_contender *c = &o->of[i];
		c->attends = c->spec.attend != NULL || (c->spec.mixer->flags & UR_STATE_GROWS);
		if (c->limit > 0 && (limit == 0 || c->limit < limit))
			limit = c->limit;
	}
	if (limit > 0 && limit < o->window)
		o->window = (int)limit;
	if ((status = take_part(q, UR_TRAIN, o->window, &o->train_tokens, err)) ||
	    (status = take_part(q, UR_VAL, limit, &o->val_tokens, err)) ||
	    (status = take_part(q, UR_TEST, limit, &o->test_tokens, err)))
		return status;
	memcpy(o->pairs_of, h->split.n, sizeof o->pairs_of);
	o->left_out = q->what->pair_split->n[h->part] - h->split.n[h->part];
	if (h->split.n[UR_TRAIN] < 1 || h->split.n[UR_VAL] < 1 || h->split.n[h->part] < 1)
		return ur_fail(err, UR_E_INVALID, "no pair %s has at most %d tokens a side, the end included; use a larger "
			"--seq-len, or a larger context= in the specs", h->split.n[UR_TRAIN] < 1 ? "to train on" : "held out",
			h->split.n[UR_TRAIN] < 1 ? o->window : (int)limit);
	return UR_OK;
}

static void job(const ur_comparing *q, int only, ur_job *out)
{
	static const ur_pair_split none = { 0 };

	out->pairs = q->what->pairs;
	out->pair_split = &q->pairs->split;
	if (only) {
		out->val_pairs = q->what->pairs;
		out->val_split = &none;
	}
}

/* The same for all contenders: as many pairs as have about a step's tokens of targets. */
static void batch(const ur_comparing *q, const ur_contender *c, ur_recipe *r)
{
	const int64_t quarter = q->pairs->split.n[UR_TRAIN] / 4;
	double each;

	r->window = q->out->window;
	r->batch = 1;
	each = ur_comparing_step_tokens(q, c, r);
	r->batch = (int)fmax(1, fmin(round(q->out->step_tokens / each), (double)(quarter > 1 ? quarter : 1)));
}

/* -- loss -- */

/* Losses of pairs index[n], in the same order. */
static ur_status score_pairs(ur_comparing *q, const ur_model *m, const int64_t *index, int64_t n, ur_pair_loss *of,
                             int64_t *bytes, ur_err *err)
{
	ur_arena memory = { 0 };
	ur_pair_scorer s;
	double loss;
	int64_t targets;
	ur_status status = ur_pair_scorer_open(&s, q->what->pairs, index, n, 0, SCORE_BATCH, err);

	if (!status) {
		ur_pair_scorer_plan(&s, m, q->what->ctx, &memory);
		if (!ur_arena_open(&memory)) {
			status = ur_fail(err, UR_E_NOMEM, "scoring %s needs %zu MiB, more than there is", m->spec.text,
			                 memory.used >> 20);
		} else {
			ur_pair_scorer_plan(&s, m, q->what->ctx, &memory);
			ur_pair_scorer_run(&s, 0, &loss, &targets, bytes, of);
			ur_arena_close(&memory);
		}
	}
	ur_pair_scorer_close(&s);
	return status;
}

ur_translating ur_pairs_settings(const ur_compare *w)
{
	const int beam = w->beam > 0 ? w->beam : 1;
	return (ur_translating){ .beam = beam, .penalty = beam > 1 ? 1 : 0, .batch = TRANSLATE_BATCH };
}

struct asked { ur_comparing *q; ur_status status; ur_err *err; };

static int say(void *arg, int64_t done, int64_t of)
{
	struct asked *a = arg;

	(void)done;
	(void)of;
	return (a->status = ur_comparing_say(a->q, 0, a->err)) != UR_OK;
}

static ur_status translated(ur_comparing *q, const ur_model *m, const int64_t *index, int64_t n, int64_t most,
                            ur_translated *t, ur_err *err)
{
	const ur_translating settings = ur_pairs_settings(q->what);
	struct asked asked = { q, UR_OK, err };
	ur_err why = { 0 };
	ur_status status = ur_translated_measure(m, q->what->ctx, q->what->pairs, index, n, most, &settings, say, &asked, t,
	                                         &why);

	if (status && !asked.status && err)
		*err = why;
	return asked.status ? asked.status : status;
}

/* An untrained model seldom ends a sentence: its translations take longer than those of one that has learnt to. */
static ur_status time_scoring(ur_comparing *q, const ur_contender *c, const ur_model *m, ur_rate *rate, ur_err *err)
{
	const struct ur_held_pairs *h = q->pairs;
	const int64_t *index = h->split.index[UR_VAL], all = h->split.n[UR_VAL], held = h->split.n[h->part];
	const int64_t most = ur_pairs_most(q->what) < held ? ur_pairs_most(q->what) : held;
	ur_translated t;
	int64_t n = 0, tokens = 0, bytes;
	double start;
	ur_pair_loss *of;
	ur_status status;

	(void)c;
	while (n < all && tokens < UR_LEAST_VALIDATION)
		tokens += side_tokens(q->what->pairs, index[n++], UR_TARGET);
	if (!(of = calloc((size_t)n, sizeof *of)))
		return no_memory(err);
	start = ur_clock();
	status = score_pairs(q, m, index, n, of, &bytes, err);
	if (!status) {
		rate->score = (double)tokens / (ur_clock() - start);
		status = translated(q, m, index, n, TIMED, &t, err);
	}
	if (!status) {
		rate->after = t.seconds / (double)t.n * (double)most;
		ur_translated_free(&t);
	}
	free(of);
	return status;
}

/* Pairs in an order that has nothing to do with the file's, but has those of one source together: by a hash of it. */
struct place { uint64_t hash; int64_t pair; int tokens, block; };

static int by_hash(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash) : (x->pair > y->pair) - (x->pair < y->pair);
}

static int by_pair(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	return (x->pair > y->pair) - (x->pair < y->pair);
}

/* Targets for the next block, of those that are left. */
static int64_t share_of(int64_t left, int block)
{
	const int64_t fit = left / UR_BLOCK_TOKENS, room = UR_MOST_BLOCKS - block;
	const int64_t blocks = fit < room ? fit : room;
	return blocks > 1 ? left / blocks : left;
}

/* The first `n` of them in blocks of about the same number of targets, each of UR_BLOCK_TOKENS or more where there are
 * so many in all; a source is in one block, and that of one with many targets is larger. Returns how many blocks. */
static int cut_blocks(struct place *p, int64_t n, int64_t tokens)
{
	int64_t left = tokens, own = 0, share = share_of(tokens, 0);
	int block = 0;

	for (int64_t i = 0; i < n; i++) {
		if (own >= share && left >= UR_BLOCK_TOKENS && p[i].hash != p[i - 1].hash) {
			share = share_of(left, ++block);
			own = 0;
		}
		p[i].block = block;
		own += p[i].tokens;
		left -= p[i].tokens;
	}
	return block + 1;
}

static ur_status open(ur_comparing *q, int64_t most, ur_err *err)
{
	const ur_pairs *p = q->what->pairs;
	struct ur_held_pairs *h = q->pairs;
	const int64_t *index = h->split.index[h->part], all = h->split.n[h->part];
	struct place *place = malloc((size_t)all * sizeof *place);
	int64_t tokens = 0;

	h->index = malloc((size_t)all * sizeof *h->index);
	h->block = malloc((size_t)all * sizeof *h->block);
	if (!place || !h->index || !h->block) {
		free(place);
		return no_memory(err);
	}
	for (int64_t i = 0; i < all; i++) {
		ur_hash hash = { 0 };
		size_t bytes;
		const char *text = ur_pairs_text(p, index[i], UR_SOURCE, &bytes);

		ur_hash_add(&hash, text, bytes);
		place[i] = (struct place){ ur_hash_value(&hash), index[i], side_tokens(p, index[i], UR_TARGET), 0 };
	}
	qsort(place, (size_t)all, sizeof *place, by_hash);
	while (h->n < all && tokens < most)
		tokens += place[h->n++].tokens;
	h->blocks = cut_blocks(place, h->n, tokens);
	qsort(place, (size_t)h->n, sizeof *place, by_pair);
	q->out->scored_bytes = 0;
	for (int64_t i = 0; i < h->n; i++) {
		size_t bytes;
		(void)ur_pairs_text(p, place[i].pair, UR_TARGET, &bytes);
		q->out->scored_bytes += (int64_t)bytes + 1; /* its end stands for the line's */
		h->index[i] = place[i].pair;
		h->block[i] = place[i].block;
	}
	q->out->scored = tokens;
	free(place);
	return UR_OK;
}

static void take_losses(const struct ur_held_pairs *h, const ur_pair_loss *of, int64_t bytes, ur_trained *out)
{
	double sum[UR_MOST_BLOCKS] = { 0 }, all = 0;
	int64_t targets[UR_MOST_BLOCKS] = { 0 }, n = 0;

	for (int64_t i = 0; i < h->n; i++) {
		sum[h->block[i]] += of[i].sum;
		targets[h->block[i]] += of[i].targets;
	}
	out->blocks = (ur_blocks){ .n = h->blocks };
	for (int b = 0; b < h->blocks; b++) {
		out->blocks.mean[b] = sum[b] / (double)targets[b];
		all += sum[b];
		n += targets[b];
	}
	out->blocks.tokens = n / h->blocks;
	out->loss = out->loss_same = all / (double)n;
	out->bits_per_byte = all / log(2) / (double)bytes;
}

/* -- translations -- */

static json_t *length_json(const ur_length_bin *b)
{
	json_t *bleu = b->bleu_told ? json_pack("[f,f,f]", b->bleu, b->bleu_low, b->bleu_high) : json_null();

	return json_pack("{s:i, s:i, s:I, s:[f,f,f], s:[f,f,f], s:[f,f,f], s:o}", "from", b->from, "to", b->to,
		"n", (json_int_t)b->n, "exact", b->exact, b->exact_low, b->exact_high, "token_errors", b->errors, b->errors_low,
		b->errors_high, "word_errors", b->words, b->words_low, b->words_high, "bleu", bleu);
}

/* What a run's model makes of held-out sources, in all and by their length. */
static ur_status translate(ur_comparing *q, const ur_contender *c, const ur_trained *of, const ur_model *m, ur_err *err)
{
	const struct ur_held_pairs *h = q->pairs;
	ur_length_bin bin[UR_LENGTH_BINS];
	ur_translated t;
	json_t *fact, *lengths;
	ur_status status;

	if ((status = ur_comparing_begin(q, "translating", (int)(c - q->out->of), (int)(of - c->run), err)) ||
	    (status = translated(q, m, h->split.index[h->part], h->split.n[h->part], ur_pairs_most(q->what), &t, err)))
		return status;
	lengths = json_array();
	for (int b = 0, bins = ur_length_bins(&t, bin); b < bins; b++)
		json_array_append_new(lengths, length_json(&bin[b]));
	fact = json_pack("{s:I, s:I, s:I, s:o, s:f, s:f, s:f, s:f, s:I, s:o}", "sources", (json_int_t)t.n,
		"pairs", (json_int_t)t.pairs, "cut", (json_int_t)t.cut, "bleu", ur_fact_real(t.bleu_told ? t.bleu : NAN),
		"exact", t.exact, "token_errors", t.token_errors, "word_errors", t.word_errors, "seconds", t.seconds,
		"tokens", (json_int_t)t.tokens, "lengths", lengths);
	ur_translated_free(&t);
	return ur_keep(q, fact, err, "translated/%s/%llu", c->name, (unsigned long long)of->seed);
}

static ur_status score(ur_comparing *q, const ur_contender *c, ur_trained *of, const ur_model *m, ur_err *err)
{
	const struct ur_held_pairs *h = q->pairs;
	ur_pair_loss *losses = calloc((size_t)h->n, sizeof *losses);
	int64_t bytes;
	ur_status status = losses ? score_pairs(q, m, h->index, h->n, losses, &bytes, err) : no_memory(err);

	if (!status)
		take_losses(h, losses, bytes, of);
	free(losses);
	return status ? status : translate(q, c, of, m, err);
}

const ur_on ur_on_pairs = { words, begin, end, window, context, fit, batch, job, time_scoring, open, score,
	ur_pair_costs };
