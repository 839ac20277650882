/* Training on pairs: it learns, to the same bits across stops and threads; what a checkpoint is held to; model files of
 * pairs and those that lie; losses of held-out pairs. */
#include "guarded_arena.h"
#include "pair_jobs.h"
#include "test_folder.h"
#include "train/score_pairs.h"

#include <math.h>

static ur_pairs *pairs, *others;
static ur_pair_split split;
static ur_ctx one, two;

static const char *const trained[] = {
	"seq2seq:lstm:2x16,dropout=0.1", "seq2seq:gru:1x16,encoder=bi,attention=bahdanau",
	"seq2seq:lstm:1x16,attention=luong,encoder=bi,dropout=0.1", "seq2seq:rnn:1x16,summary=each",
	"seq2seq:transformer:1x16,heads=2,dropout=0.1,context=12", "seq2seq:transformer:2x16,heads=2,norm=pre,context=12",
};
enum { TRAINED = sizeof trained / sizeof *trained };

static ur_model *train(const ur_job *j, ur_outcome *o)
{
	ur_model *m;
	assert_ok(ur_train(j, &m, o, why));
	return m;
}

static void assert_weights(const ur_model *a, const ur_model *b)
{
	assert_int_equal(a->floats, b->floats);
	assert_memory_equal(a->weights, b->weights, a->floats * sizeof *a->weights);
}

/* -- the loop -- */

/* Loss on held-out pairs after `steps` of 32. */
static double learnt(const char *spec, int64_t steps, double smoothing)
{
	ur_job j = pair_job(&one, spec, pairs, &split, NULL);
	ur_outcome o;
	ur_model *m;

	j.recipe.steps = steps;
	j.recipe.batch = 32;
	j.recipe.lr = 1e-2;
	j.recipe.warmup = 20;
	j.recipe.eval_every = 0;
	j.recipe.smoothing = smoothing;
	m = train(&j, &o);
	print_message("  %-60s smoothing %g: loss %.4f, %.2f s\n", spec, smoothing, o.val_loss, o.seconds);
	ur_model_free(m);
	return o.val_loss;
}

static void learns_to_reverse(void **unused)
{
	double smoothed;
	(void)unused;

	/* knowing nothing costs about ln 8 = 2.1 */
	assert_true(learnt("seq2seq:gru:1x32,attention=luong,encoder=bi", 250, 0) < 0.05);
	if (!strcmp(one.k->name, "c"))
		return; /* some thirty times slower, and learns the same */
	assert_true(learnt("seq2seq:gru:1x32,attention=bahdanau,encoder=bi", 250, 0) < 0.05);
	assert_true(learnt("seq2seq:lstm:1x48", 300, 0) < 0.4);
	assert_true(learnt("seq2seq:gru:1x48,summary=each,encoder=bi", 300, 0) < 0.4);
	assert_true(learnt("seq2seq:transformer:1x32,heads=4,context=12,norm=pre", 300, 0) < 0.4);
	/* asked to keep a tenth of the probability for the rest, it does not become as sure; the loss is of the target */
	smoothed = learnt("seq2seq:gru:1x32,attention=luong,encoder=bi", 250, 0.1);
	assert_true(smoothed > 0.08 && smoothed < 0.25);
}

static void threads_change_nothing(void **unused)
{
	(void)unused;
	for (int i = 0; i < TRAINED; i++) {
		ur_job j = pair_job(&one, trained[i], pairs, &split, NULL);
		ur_outcome a, b;
		ur_model *m = train(&j, &a), *n;

		j.ctx = &two;
		n = train(&j, &b);
		assert_weights(m, n);
		assert_true(a.best_loss == b.best_loss && a.train_loss == b.train_loss && a.tokens == b.tokens);
		print_message("  %-60s best loss %.3f\n", trained[i], a.best_loss);
		assert_true(a.tokens > 30 * 8 * 3 && a.best_loss < 2.1);
		ur_model_free(m);
		ur_model_free(n);
	}
}

static int stop_at(void *arg, const ur_step_report *r) { return r->step == *(const int64_t *)arg; }

static void resumes_to_the_bit(void **unused)
{
	(void)unused;
	for (int i = 0; i < TRAINED; i++) {
		ur_job j = pair_job(&two, trained[i], pairs, &split, "whole.safetensors");
		ur_outcome a, b;
		ur_model *whole = train(&j, &a), *resumed;
		int64_t at;

		j.out = "resumed.safetensors";
		j.report = stop_at;
		j.arg = &at;
		for (at = 3; at < 30; at += 9) {
			assert_int_equal(ur_train(&j, NULL, NULL, NULL), UR_E_STOPPED);
			j.resume = 1;
		}
		resumed = train(&j, &b);
		assert_weights(whole, resumed);
		assert_true(a.best_loss == b.best_loss && a.best_step == b.best_step && a.tokens == b.tokens);
		assert_int_equal(system("cmp whole.safetensors resumed.safetensors"), 0);
		ur_model_free(whole);
		ur_model_free(resumed);
	}
}

static void refuses(const ur_job *j, const char *says)
{
	ur_err err = { 0 };
	assert_int_equal(ur_train(j, NULL, NULL, &err), UR_E_INVALID);
	assert_says(err, says);
}

/* A checkpoint goes on with the pairs, parts, tokens and recipe it began with. */
static void other_data_is_refused(void **unused)
{
	ur_pair_split swapped = split, every = all_of(pairs, UR_TRAIN), val = all_of(others, UR_VAL),
	              train_others = all_of(others, UR_TRAIN), val_pairs = all_of(pairs, UR_VAL);
	int64_t moved[1000], at = 7;
	ur_pairs_request request = { .path = "pairs.tsv", .vocab = { { .kind = "word", .cap = 7 },
		{ .kind = "word", .cap = 8 } } };
	ur_pairs *words;
	ur_job j = pair_job(&one, trained[1], pairs, &split, "held.safetensors");
	(void)unused;

	j.report = stop_at;
	j.arg = &at;
	assert_int_equal(ur_train(&j, NULL, NULL, NULL), UR_E_STOPPED);
	j.resume = 1;
	j.pairs = others;
	j.pair_split = &train_others;
	refuses(&j, "other data");
	j.pairs = pairs;
	j.pair_split = &every;
	refuses(&j, "another part");
	/* parts of the same sizes */
	assert_true(split.n[UR_TRAIN] < 1000 && split.n[UR_VAL] > 0);
	memcpy(moved, split.index[UR_TRAIN], (size_t)split.n[UR_TRAIN] * sizeof *moved);
	moved[3] = split.index[UR_VAL][0];
	swapped.index[UR_TRAIN] = moved;
	j.pair_split = &swapped;
	refuses(&j, "another part");
	j.pair_split = &split;
	j.val_pairs = others;
	j.val_split = &val;
	refuses(&j, "other data");
	j.val_pairs = NULL;
	j.recipe.smoothing = 0.1;
	refuses(&j, "label-smoothing");
	j.recipe.smoothing = 0;
	assert_ok(ur_spec_parse("seq2seq:gru:1x16,encoder=bi,attention=luong", &j.spec, why));
	refuses(&j, "not of");

	/* which file trains and which validates matters, and so do the tokens where there are as many */
	j = pair_job(&one, trained[0], pairs, &every, "held2.safetensors");
	j.val_pairs = others;
	j.val_split = &val;
	j.report = stop_at;
	j.arg = &at;
	assert_int_equal(ur_train(&j, NULL, NULL, NULL), UR_E_STOPPED);
	j.resume = 1;
	j.pairs = others;
	j.pair_split = &train_others;
	j.val_pairs = pairs;
	j.val_split = &val_pairs;
	refuses(&j, "other data");
	assert_ok(ur_pairs_open(&request, &words, why));
	for (int side = 0; side < UR_SIDES; side++)
		assert_int_equal(ur_pairs_outputs(words, side), ur_pairs_outputs(pairs, side));
	j = pair_job(&one, trained[0], pairs, &every, "held3.safetensors");
	j.report = stop_at;
	j.arg = &at;
	assert_int_equal(ur_train(&j, NULL, NULL, NULL), UR_E_STOPPED);
	j.resume = 1;
	j.pairs = words;
	refuses(&j, "--vocab");
	ur_pairs_close(words);
	ur_pair_split_free(&every);
	ur_pair_split_free(&val);
	ur_pair_split_free(&val_pairs);
	ur_pair_split_free(&train_others);
}

/* Two batches accumulated are one of all their pairs: the loss is the mean over targets, not over batches. */
struct first { double loss, norm; int64_t tokens; };

static int keep_first(void *arg, const ur_step_report *r)
{
	struct first *f = arg;
	if (r->step == 1)
		*f = (struct first){ r->loss, r->grad_norm, r->tokens };
	return 0;
}

static void accumulated_is_together(void **unused)
{
	int64_t index[12];
	const ur_pair_split few = { .index = { index, split.index[UR_VAL], split.index[UR_TEST] },
		.n = { 12, split.n[UR_VAL], 0 } };
	(void)unused;

	memcpy(index, split.index[UR_TRAIN], sizeof index);
	for (int i = 0; i < TRAINED; i++) {
		struct first whole = { 0 }, parts = { 0 };
		ur_spec spec;
		ur_job j = pair_job(&two, trained[i], pairs, &few, NULL);

		spec = j.spec;
		spec.dropout = 0;
		j.spec = spec;
		j.report = keep_first;
		j.recipe.steps = 1;
		j.recipe.batch = 12;
		j.recipe.smoothing = 0.1;
		j.arg = &whole;
		ur_model_free(train(&j, &(ur_outcome){ 0 }));
		j.recipe.batch = 4;
		j.recipe.accumulate = 3;
		j.arg = &parts;
		ur_model_free(train(&j, &(ur_outcome){ 0 }));
		assert_int_equal(whole.tokens, parts.tokens);
		assert_true(fabs(whole.loss - parts.loss) < 1e-5 * whole.loss);
		assert_true(fabs(whole.norm - parts.norm) < 1e-4 * whole.norm);
	}
}

static int keep_losses(void *arg, const ur_step_report *r)
{
	((double *)arg)[r->step - 1] = r->loss;
	return 0;
}

/* Where nothing is learnt and every step sees the same pairs, losses differ by what each step drops alone. */
static void each_step_drops_anew(void **unused)
{
	const ur_pair_split few = { .index = { split.index[UR_TRAIN], split.index[UR_VAL], split.index[UR_TEST] },
		.n = { 4, 0, 0 } };
	(void)unused;

	for (int drops = 0; drops < 2; drops++) {
		ur_job j = pair_job(&one, drops ? "seq2seq:gru:1x16,dropout=0.5" : "seq2seq:gru:1x16", pairs, &few, NULL);
		double losses[3];

		j.recipe.steps = 3;
		j.recipe.batch = 4;
		j.recipe.lr = 1e-30;
		j.report = keep_losses;
		j.arg = losses;
		ur_model_free(train(&j, &(ur_outcome){ 0 }));
		for (int i = 0; i < 3; i++)
			assert_true((losses[i] != losses[(i + 1) % 3]) == drops);
	}
}

static void what_cannot_be_trained(void **unused)
{
	ur_job j = pair_job(&one, trained[0], pairs, &split, NULL);
	ur_outcome o;
	ur_model *m;
	ur_pair_split none = split;
	(void)unused;

	j.recipe.windows = "carried";
	refuses(&j, "pairs stand alone");
	j.recipe.windows = NULL;
	j.recipe.window = 2;
	refuses(&j, "shorter than 2 tokens");
	j = pair_job(&one, "seq2seq:transformer:1x16,heads=2,context=9", pairs, &split, NULL);
	refuses(&j, "context of 9");
	j = pair_job(&one, "lstm:1x16", pairs, &split, NULL);
	refuses(&j, "trains on a text, not on pairs");
	/* nothing to validate on: the last weights are the result */
	none.n[UR_VAL] = 0;
	j = pair_job(&one, trained[0], pairs, &none, "last.safetensors");
	j.recipe.steps = 3;
	m = train(&j, &o);
	assert_true(isnan(o.best_loss) && o.steps == 3 && m);
	ur_model_free(m);
	assert_ok(ur_model_load("last.safetensors", one.k, 0, &m, why));
	ur_model_free(m);
	/* fine-tuning wants the tokens the model has */
	j = pair_job(&one, trained[0], pairs, &split, NULL);
	j.recipe.steps = 1;
	assert_ok(ur_model_load("last.safetensors", one.k, 0, &j.start, why));
	m = train(&j, &o);
	ur_model_free(m);
	ur_vocab_free(j.start->source);
	j.start->source = NULL;
	refuses(&j, "the model's vocabulary");
	ur_model_free(j.start);
}

/* What train says it will take is what it takes. */
static void memory_is_as_planned(void **unused)
{
	(void)unused;
	for (int i = 0; i < TRAINED; i++) {
		ur_job j = pair_job(&one, trained[i], pairs, &split, NULL);
		size_t bytes, before;
		int64_t parameters;
		ur_model *m;

		j.recipe.steps = 1;
		assert_ok(ur_train_memory(&j, &bytes, &parameters, why));
		before = guarded_bytes;
		m = train(&j, &(ur_outcome){ 0 });
		assert_int_equal(guarded_bytes - before, bytes);
		assert_int_equal(m->scalars, parameters);
		assert_true(ur_job_step_flops(&j) > 0 && ur_job_step_tokens(&j) > 8 * 3);
		ur_model_free(m);
	}
}

/* -- held-out pairs -- */

static double score_on(const ur_model *m, const ur_pairs *held, const ur_pair_split *parts, int batch, int64_t most,
                       int64_t *targets, int64_t *bytes, ur_pair_loss *of)
{
	ur_pair_scorer s;
	ur_arena arena = { 0 };
	double loss;

	assert_ok(ur_pair_scorer_open(&s, held, parts->index[UR_VAL], parts->n[UR_VAL], 0, batch, why));
	ur_pair_scorer_plan(&s, m, &two, &arena);
	assert_true(ur_arena_open(&arena));
	ur_pair_scorer_plan(&s, m, &two, &arena);
	ur_pair_scorer_run(&s, most, &loss, targets, bytes, of);
	ur_arena_close(&arena);
	ur_pair_scorer_close(&s);
	return loss;
}

static double score(const ur_model *m, int batch, int64_t most, int64_t *targets, int64_t *bytes, ur_pair_loss *of)
{
	return score_on(m, pairs, &split, batch, most, targets, bytes, of);
}

static void validates_on_another_file(void **unused)
{
	ur_pair_split train_all = all_of(pairs, UR_TRAIN), val = all_of(others, UR_VAL);
	ur_job j = pair_job(&two, trained[1], pairs, &train_all, NULL);
	ur_outcome o;
	ur_model *m;
	int64_t targets;
	(void)unused;

	j.val_pairs = others;
	j.val_split = &val;
	m = train(&j, &o);
	assert_true(fabs(score_on(m, others, &val, 16, 0, &targets, NULL, NULL) - o.best_loss) < 1e-6);
	assert_int_equal(targets, o.scored);
	ur_model_free(m);
	ur_pair_split_free(&train_all);
	ur_pair_split_free(&val);
}

static void scores_each_pair(void **unused)
{
	ur_job j = pair_job(&one, trained[2], pairs, &split, NULL);
	const int64_t n = split.n[UR_VAL];
	ur_pair_loss many[1000], single[1000];
	ur_outcome o;
	ur_model *m = train(&j, &o);
	ur_pair_scorer s;
	int64_t targets, bytes, again, text = 0, tokens = 0;
	double loss, sum = 0;
	ur_err err = { 0 };
	(void)unused;

	assert_true(n < 1000);
	loss = score(m, 64, 0, &targets, &bytes, many);
	assert_true(fabs(loss - o.best_loss) < 1e-9 && targets == o.scored);
	assert_true(fabs(o.bits_per_byte - loss * (double)targets / log(2) / (double)bytes) < 1e-9);
	assert_true(fabs(score(m, 1, 0, &again, NULL, single) - loss) < 1e-5);
	for (int64_t i = 0; i < n; i++) {
		size_t length;
		int tokens_of;

		(void)ur_pairs_text(pairs, split.index[UR_VAL][i], UR_TARGET, &length);
		(void)ur_pairs_tokens(pairs, split.index[UR_VAL][i], UR_TARGET, &tokens_of);
		text += (int64_t)length + 1;
		tokens += tokens_of + 1;
		sum += many[i].sum;
		assert_int_equal(many[i].targets, tokens_of + 1);
		assert_true(fabs(many[i].sum - single[i].sum) < 1e-5 * single[i].sum);
	}
	assert_true(fabs(sum / (double)targets - loss) < 1e-9);
	assert_true(text == bytes && tokens == targets && again == targets);
	/* about so many of them, from all along the order */
	(void)score(m, 4, targets / 4, &again, NULL, NULL);
	assert_true(again > targets / 8 && again < targets / 2);
	/* what does not fit a context is left out, and said */
	assert_ok(ur_pair_scorer_open(&s, pairs, split.index[UR_VAL], n, 4, 8, why));
	assert_true(s.left_out > 0 && s.n > 0 && s.n + s.left_out == n);
	for (int64_t i = 0; i < s.n; i++) {
		int length;
		(void)ur_pairs_tokens(pairs, s.index[i], UR_SOURCE, &length);
		assert_true(length < 4);
	}
	ur_pair_scorer_close(&s);
	assert_int_equal(ur_pair_scorer_open(&s, pairs, split.index[UR_VAL], n, 2, 8, &err), UR_E_INVALID);
	assert_says(err, "short enough");
	ur_model_free(m);
}

/* -- files -- */

static ur_model *made(const char *spec)
{
	const ur_job j = pair_job(&one, spec, pairs, &split, NULL);
	const ur_words words = ur_job_words(&j);
	ur_model *m;

	assert_ok(ur_model_create(&j.spec, &words, one.k, 0, &m, why));
	ur_model_init(m, 4);
	ur_model_pack(m, &one);
	return m;
}

static void files_keep_models(void **unused)
{
	(void)unused;
	for (int i = 0; i < TRAINED; i++) {
		ur_model *m = made(trained[i]), *n;
		int64_t a, b;
		ur_safetensors *f;
		ur_stream *s;
		ur_err err = { 0 };

		assert_ok(ur_model_save(m, "kept.safetensors", 0, NULL, why));
		assert_ok(unroll_open("kept.safetensors", &n, why));
		assert_string_equal(n->spec.text, trained[i]);
		assert_int_equal(n->V, ur_pairs_outputs(pairs, UR_TARGET));
		assert_int_equal(n->encoder.V, ur_pairs_outputs(pairs, UR_SOURCE));
		assert_true(ur_vocab_hash(n->vocab) == ur_vocab_hash(ur_pairs_vocab(pairs, UR_TARGET)));
		assert_true(ur_vocab_hash(n->source) == ur_vocab_hash(ur_pairs_vocab(pairs, UR_SOURCE)));
		assert_weights(m, n);
		assert_true(score(m, 16, 0, &a, NULL, NULL) == score(n, 16, 0, &b, NULL, NULL));
		assert_ok(ur_safetensors_open("kept.safetensors", &f, why));
		assert_int_equal(ur_safetensors_count(f), ur_model_tensor_count(m));
		for (int t = 0; t < ur_safetensors_count(f); t++) {
			const char *name = ur_safetensors_at(f, t)->name;
			if (strncmp(name, "encoder.", 8) && strncmp(name, "decoder.", 8))
				fail_msg("%s: a tensor named %s", trained[i], name);
			assert_ptr_equal(ur_safetensors_find(f, name), ur_safetensors_at(f, t));
		}
		ur_safetensors_close(f);
		/* there is no text to stream through it */
		assert_int_equal(unroll_stream_open(n, NULL, &s, &err), UR_E_INVALID);
		assert_null(s);
		assert_says(err, "without a source");
		unroll_close(n);
		ur_model_free(m);
	}
}

static void names_are_pytorch_s(void **unused)
{
	static const struct { const char *spec, *name; } stored[] = {
		{ "seq2seq:lstm:2x8", "encoder.embedding.weight" }, { "seq2seq:lstm:2x8", "encoder.rnn.weight_ih_l1" },
		{ "seq2seq:lstm:2x8", "decoder.embedding.weight" }, { "seq2seq:lstm:2x8", "decoder.rnn.bias_hh_l0" },
		{ "seq2seq:lstm:2x8", "decoder.fc_out.weight" }, { "seq2seq:lstm:2x8", "decoder.fc_out.bias" },
		{ "seq2seq:gru:1x8,encoder=bi", "encoder.rnn.weight_hh_l0_reverse" },
		{ "seq2seq:gru:1x8,encoder=bi", "encoder.layers.0.bridge.h_weight" },
		{ "seq2seq:lstm:1x8,encoder=bi", "encoder.layers.0.bridge.c_bias" },
		{ "seq2seq:gru:2x8,attention=luong", "decoder.rnn.attn_weight_l1" },
		{ "seq2seq:gru:2x8,attention=bahdanau", "decoder.rnn.memory_weight_l1" },
		{ "seq2seq:transformer:1x8", "encoder.layers.0.self_attn.in_proj_weight" },
		{ "seq2seq:transformer:1x8", "encoder.layers.0.norm2.bias" },
		{ "seq2seq:transformer:1x8", "decoder.layers.0.multihead_attn.k_proj_weight" },
		{ "seq2seq:transformer:1x8", "decoder.layers.0.norm_cross.weight" },
		{ "seq2seq:transformer:1x8,norm=pre", "decoder.norm.weight" },
		{ "seq2seq:transformer:1x8,norm=pre", "encoder.norm.bias" },
		{ "seq2seq:transformer:1x8,block=llama", "decoder.model.layers.0.self_attn.q_proj.weight" },
		{ "seq2seq:transformer:1x8,block=gpt2", "encoder.transformer.h.0.attn.c_attn.weight" },
	};
	(void)unused;
	for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
		char spec[80];
		ur_model *m;
		ur_safetensors *f;

		snprintf(spec, sizeof spec, "%s%s", stored[i].spec, strstr(stored[i].spec, "former") ? ",heads=2" : "");
		m = made(spec);
		assert_ok(ur_model_save(m, "named.safetensors", 0, NULL, why));
		assert_ok(ur_safetensors_open("named.safetensors", &f, why));
		if (!ur_safetensors_find(f, stored[i].name))
			fail_msg("%s has no %s", spec, stored[i].name);
		ur_safetensors_close(f);
		ur_model_free(m);
	}
}

/* The model's file with another value (NULL: none) of one key. */
static void with_meta(const ur_model *m, const char *key, const char *value)
{
	ur_safetensors *f;
	ur_meta meta[16];
	int n = 0;

	assert_ok(ur_model_save(m, "honest.safetensors", 0, NULL, why));
	assert_ok(ur_safetensors_open("honest.safetensors", &f, why));
	for (int i = 0; i < ur_safetensors_meta_count(f); i++) {
		meta[n] = *ur_safetensors_meta_at(f, i);
		if (!strcmp(meta[n].key, key))
			meta[n].value = value;
		n += meta[n].value != NULL;
	}
	assert_ok(ur_safetensors_write("lying.safetensors", ur_safetensors_count(f), ur_safetensors_at(f, 0), n, meta,
	                               why));
	ur_safetensors_close(f);
}

static void files_that_lie_are_refused(void **unused)
{
	static const struct { const char *key, *value, *says; } lies[] = {
		{ "unroll.sources", NULL, "its metadata lacks unroll.sources" },
		{ "unroll.sources", "", "unroll.sources is ''" }, { "unroll.sources", "0", "unroll.sources is '0'" },
		{ "unroll.sources", "-7", "unroll.sources is '-7'" }, { "unroll.sources", "7 ", "unroll.sources is '7 '" },
		{ "unroll.sources", "9999999999", "unroll.sources is '9999999999'" },
		{ "unroll.sources", "9", "tokens and an end, but unroll.sources is 9" },
		{ "unroll.outputs", "7", "tokens and an end, but unroll.outputs is 7" },
		{ "unroll.outputs", NULL, "lacks unroll.outputs" },
		{ "unroll.source_vocabulary", "{\"kind\": \"char\", \"codes\": [97, 98]}",
		  "a vocabulary of 2 tokens and an end" },
		{ "unroll.vocabulary", "{\"kind\": \"char\", \"codes\": [97, 98]}", "a vocabulary of 2 tokens and an end" },
		{ "unroll.source_vocabulary", "{", "unroll.source_vocabulary is not JSON" },
		{ "unroll.source_vocabulary", "{\"kind\": \"chars\"}", "no vocabulary is called 'chars'" },
		{ "unroll.spec", "gru:1x8", "a vocabulary of" },
		{ "unroll.spec", "seq2seq:gru:1x8,encoder=bi", "tensor encoder.layers.0.bridge.h_weight is missing" },
		{ "unroll.spec", "seq2seq:gru:2x8", "tensor encoder.rnn.weight_ih_l1 is missing" },
		{ "unroll.spec", "seq2seq:gru:1x8,summary=each", "tensor decoder.rnn.weight_ih_l0 has another shape" },
		{ "unroll.spec", "seq2seq:", "architecture's name" },
	};
	ur_model *m = made("seq2seq:gru:1x8"), *n;
	ur_err err = { 0 };
	(void)unused;

	assert_true(ur_pairs_outputs(pairs, UR_SOURCE) == 8 && ur_pairs_outputs(pairs, UR_TARGET) == 9);
	with_meta(m, "none", NULL);
	assert_ok(unroll_open("lying.safetensors", &n, why));
	unroll_close(n);
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		with_meta(m, lies[i].key, lies[i].value);
		if (ur_model_load("lying.safetensors", one.k, 0, &n, &err) != UR_E_FORMAT)
			fail_msg("%s = %s is taken", lies[i].key, lies[i].value ? lies[i].value : "(nothing)");
		assert_null(n);
		assert_says(err, lies[i].says);
	}
	/* without a vocabulary the tensors tell */
	with_meta(m, "unroll.source_vocabulary", NULL);
	assert_ok(unroll_open("lying.safetensors", &n, why));
	assert_null(n->source);
	unroll_close(n);
	ur_vocab_free(m->source);
	m->source = NULL;
	with_meta(m, "unroll.sources", "9");
	assert_int_equal(ur_model_load("lying.safetensors", one.k, 0, &n, &err), UR_E_FORMAT);
	assert_says(err, "tensor encoder.embedding.weight has another shape");
	ur_model_free(m);
	/* a model of one text is none of pairs, whatever its spec says */
	{
		ur_spec spec;
		assert_ok(ur_spec_parse("gru:1x8", &spec, why));
		assert_ok(ur_model_create(&spec, &(ur_words){ .V = 8 }, one.k, 0, &m, why));
		with_meta(m, "unroll.spec", "seq2seq:gru:1x8");
		assert_int_equal(ur_model_load("lying.safetensors", one.k, 0, &n, &err), UR_E_FORMAT);
		assert_says(err, "lacks unroll.sources");
		ur_model_free(m);
	}
}

static int open_all(void **state)
{
	if (open_folder(state))
		return -1;
	assert_true(ur_ctx_open(&one, NULL, 1) && ur_ctx_open(&two, NULL, 2));
	write_reversals("pairs.tsv", 700, 6, 5, 1);
	write_reversals("others.tsv", 90, 6, 5, 2);
	pairs = pairs_with("pairs.tsv", NULL);
	others = pairs_with("others.tsv", pairs);
	split = split_of(pairs, 0.15);
	return 0;
}

static int close_all(void **state)
{
	ur_pair_split_free(&split);
	ur_pairs_close(pairs);
	ur_pairs_close(others);
	ur_ctx_close(&one);
	ur_ctx_close(&two);
	return close_folder(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_to_reverse), cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(resumes_to_the_bit), cmocka_unit_test(other_data_is_refused),
		cmocka_unit_test(accumulated_is_together), cmocka_unit_test(each_step_drops_anew),
		cmocka_unit_test(what_cannot_be_trained),
		cmocka_unit_test(memory_is_as_planned), cmocka_unit_test(scores_each_pair),
		cmocka_unit_test(validates_on_another_file), cmocka_unit_test(files_keep_models),
		cmocka_unit_test(names_are_pytorch_s), cmocka_unit_test(files_that_lie_are_refused),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, open_all, close_all);
}
