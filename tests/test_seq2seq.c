/* Models of pairs, in every form: gradients against finite differences, padding, the same bits at any number of threads
 * and whatever was there before, steps against whole sequences. */
#include "guarded_arena.h"
#include "pair_rig.h"
#include "run/step.h"

/* Lengths with their ends; what is planned is more of everything. */
static const int source_len[] = { 5, 2, 4 }, target_len[] = { 3, 4, 1 };
enum { B = 3, MOST_S = 6, MOST_T = 5, MOST_B = 4 };
/* tokens of the sides: so many that the first layers read embeddings, so few that they read the table by index */
static const struct { int SV, V; } sizes[] = { { 13, 11 }, { 5, 6 } };

static void open_rig(pair_rig *r, const char *spec, int size, int training, int threads)
{
	pair_rig_open(r, spec, sizes[size].SV, sizes[size].V, MOST_S, MOST_T, MOST_B, training, threads);
}

static few_pairs ragged(int size, int32_t padding)
{
	return few_pairs_of(B, source_len, target_len, sizes[size].SV, sizes[size].V, padding, 7);
}

/* -- gradients -- */

static double loss_of(pair_rig *r, const few_pairs *f, const ur_aim *aim)
{
	ur_pass p = few_pass(f);

	p.dropout = 1;
	ur_model_pack(r->m, &r->c);
	ur_net_forward(&r->net, &p);
	return aim->weight * pair_loss(r, &p, f->targets, aim->smoothing);
}

/* The loss's change along a random direction of parameter i, by Richardson from steps h and h / 2. */
static double slope_along(pair_rig *r, int i, double step, const few_pairs *f, const ur_aim *aim)
{
	const ur_parameter *p = &r->m->param[i];
	float *w = r->m->weights + p->at, *old = malloc(p->count * sizeof *old);
	double slope[2];

	assert_non_null(old);
	memcpy(old, w, p->count * sizeof *w);
	for (int s = 0; s < 2; s++) {
		const double h = s ? step / 2 : step;
		double at[2];
		for (int side = 0; side < 2; side++) {
			for (size_t j = 0; j < p->count; j++)
				w[j] = old[j] + (float)((side ? h : -h) * ur_rng_normal(11, ur_rng_for(UR_RNG_TEST, (uint64_t)i), j));
			at[side] = loss_of(r, f, aim);
		}
		slope[s] = (at[1] - at[0]) / (2 * h);
	}
	memcpy(w, old, p->count * sizeof *w);
	free(old);
	return (4 * slope[1] - slope[0]) / 3;
}

static void check_gradient(const char *text, int size, const ur_aim *aim)
{
	/* a longer step where the gradient is so small that rounding shows, shorter ones where relu's corner was crossed */
	static const double steps[] = { 8e-3, 3.2e-2, 2e-3, 5e-4, 1.2e-4 };
	const few_pairs f = ragged(size, 1);
	pair_rig r;
	double worst = 0, sum, want;
	ur_pass pass = few_pass(&f);

	open_rig(&r, text, size, 1, 2);
	sum = pair_gradient(&r, &f, 1, aim);
	want = pair_loss(&r, &pass, f.targets, 0); /* unsmoothed is what it reports */
	if (!(fabs(sum - want) < 1e-5 * want))
		fail_msg("%s: the losses' sum is %.9g, reported as %.9g", text, want, sum);
	for (int i = 0; i < r.m->params; i++) {
		const ur_parameter *p = &r.m->param[i];
		double along = 0, norm = 0, slope = 0, off;

		for (size_t j = 0; j < p->count; j++) {
			along += ur_rng_normal(11, ur_rng_for(UR_RNG_TEST, (uint64_t)i), j) * r.back.of[i][j];
			norm += (double)r.back.of[i][j] * r.back.of[i][j];
		}
		off = INFINITY;
		for (size_t k = 0; k < sizeof steps / sizeof *steps && !(off < 0.01); k++) {
			slope = slope_along(&r, i, steps[k], &f, aim);
			off = fabs(slope - along) / (sqrt(norm) + 5e-3);
		}
		worst = fmax(worst, off);
		if (!(off < 0.01))
			fail_msg("%s: gradient of %s: %g by backward, %g by differences, norm %g", text, p->name, along, slope,
			         sqrt(norm));
		/* a gradient of nothing passes the above where its sum happens to be small */
		if (!(norm > 1e-12) && !strstr(p->name, "kv_bias"))
			fail_msg("%s: no gradient reaches %s", text, p->name);
	}
	print_message("  %-84s worst %.1e of the gradient's norm\n", text, worst);
	pair_rig_close(&r);
}

static void gradients(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		check_gradient(pair_specs[i], 0, &(ur_aim){ .weight = 1 });
		check_gradient(pair_specs[i], 1, &(ur_aim){ .weight = 0.7f, .smoothing = 0.2f });
	}
}

/* -- what a pass does not depend on -- */

static int has_dropout(const char *spec) { return strstr(spec, "dropout") != NULL; }

/* A ragged batch is each of its pairs alone. */
static void padding_does_not_leak(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++)
		for (int size = 0; size < 2; size++) {
			const few_pairs f = ragged(size, 1), other = ragged(size, 3);
			pair_rig all, again, one;
			double sum, alone = 0;
			float *sums;

			open_rig(&all, pair_specs[i], size, 1, 2);
			open_rig(&again, pair_specs[i], size, 1, 2);
			open_rig(&one, pair_specs[i], size, 1, 2);
			sums = calloc(all.m->floats, sizeof *sums);
			assert_non_null(sums);
			sum = pair_gradient(&all, &f, 0, NULL);
			assert_true(sum == pair_gradient(&again, &other, 0, NULL));
			assert_memory_equal(all.back.all, again.back.all, all.m->floats * sizeof *sums);
			for (int b = 0; b < B; b++) {
				const few_pairs single = one_of(&f, b);
				alone += pair_gradient(&one, &single, 0, NULL);
				for (size_t j = 0; j < one.m->floats; j++)
					sums[j] += one.back.all[j];
				for (int t = 0; t < f.len[b]; t++)
					assert_true(fabs(one.back.losses[t] - all.back.losses[t * B + b]) < 1e-5);
			}
			for (int p = 0; p < all.m->params; p++)
				if (!(apart(all.m->param[p].count, sums + all.m->param[p].at, all.back.of[p]) < 2e-5) &&
				    apart(all.m->floats, sums, all.back.all) > 1e-6)
					fail_msg("%s: gradient of %s: a batch and its pairs alone differ by %g", pair_specs[i],
					         all.m->param[p].name,
					         apart(all.m->param[p].count, sums + all.m->param[p].at, all.back.of[p]));
			if (!(fabs(alone - sum) < 1e-5 * sum))
				fail_msg("%s: %.9g in a batch, %.9g alone", pair_specs[i], sum, alone);
			free(sums);
			pair_rig_close(&all);
			pair_rig_close(&again);
			pair_rig_close(&one);
		}
}

/* Pairs of full length need no lengths. */
static void lengths_may_be_left_out(void **unused)
{
	static const int S[] = { 4, 4, 4 }, T[] = { 3, 3, 3 };

	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		const few_pairs f = few_pairs_of(B, S, T, 13, 11, 0, 3);
		ur_pass p = few_pass(&f);
		pair_rig r;
		double sum;
		float *was;

		open_rig(&r, pair_specs[i], 0, 1, 1);
		was = malloc(r.m->floats * sizeof *was);
		assert_non_null(was);
		sum = pair_gradient(&r, &f, 0, NULL);
		memcpy(was, r.back.all, r.m->floats * sizeof *was);
		memset(r.back.all, 0, r.m->floats * sizeof *was);
		p.len = p.source_len = NULL;
		ur_net_forward(&r.net, &p);
		assert_true(ur_net_backward(&r.back, &p, &(ur_aim){ .targets = f.targets, .weight = 1 }) == sum);
		assert_memory_equal(r.back.all, was, r.m->floats * sizeof *was);
		free(was);
		pair_rig_close(&r);
	}
}

/* Neither threads nor an earlier pass, larger than this one, leave a trace; dropout is of the step. */
static void same_bits(void **unused)
{
	static const int S[] = { 6, 6, 3, 6 }, T[] = { 5, 2, 5, 5 };

	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++)
		for (int size = 0; size < 2; size++) {
			const few_pairs f = ragged(size, 0), larger = few_pairs_of(4, S, T, sizes[size].SV, sizes[size].V, 0, 8);
			pair_rig one, other;
			double sum;

			open_rig(&one, pair_specs[i], size, 1, 1);
			sum = pair_gradient(&one, &f, 1, NULL);
			for (int threads = 1; threads <= 3; threads++) {
				open_rig(&other, pair_specs[i], size, 1, threads);
				(void)pair_gradient(&other, &larger, 1, NULL);
				assert_true(pair_gradient(&other, &f, 1, NULL) == sum);
				assert_memory_equal(one.back.all, other.back.all, one.m->floats * sizeof(float));
				pair_rig_close(&other);
			}
			if (has_dropout(pair_specs[i]))
				assert_true(pair_gradient(&one, &f, 0, NULL) != sum);
			pair_rig_close(&one);
		}
}

/* What is dropped is drawn anew for each side and each step. */
static void masks_are_of_side_and_step(void **unused)
{
	static const char *const specs[] = { "seq2seq:gru:1x12,dropout=0.4",
	                                     "seq2seq:transformer:1x12,heads=2,dropout=0.4" };
	const few_pairs f = few_pairs_of(3, (int[]){ 5, 5, 5 }, (int[]){ 5, 5, 5 }, 13, 11, 0, 3);
	enum { N = 5 * 3 * 12 };

	(void)unused;
	for (int i = 0; i < 2; i++) {
		pair_rig r;
		float side[2][2][N];
		int zeros = 0;

		open_rig(&r, specs[i], 0, 1, 2);
		for (int step = 0; step < 2; step++) {
			ur_pass p = few_pass(&f);
			p.dropout = 1;
			p.step = (uint64_t)step;
			ur_net_forward(&r.net, &p);
			memcpy(side[step][0], r.net.layer[0].x, sizeof side[0][0]);
			memcpy(side[step][1], r.net.encoder->layer[0].x, sizeof side[0][0]);
		}
		for (int k = 0; k < 4; k++) {
			const float *a = side[k / 2][k % 2];
			for (int j = 0; j < 4; j++) {
				const float *b = side[j / 2][j % 2];
				int same = 0;
				for (int x = 0; x < N; x++)
					same += (a[x] == 0) == (b[x] == 0);
				assert_true(j == k ? same == N : same < N * 3 / 4);
			}
			for (int x = 0; x < N; x++)
				zeros += a[x] == 0;
		}
		assert_true(zeros > 4 * N / 4 && zeros < 4 * N * 11 / 20); /* 40 of 100 */
		/* what the decoder looks at is whole; what the head reads of recurrent layers is not */
		for (int x = zeros = 0; x < N; x++) {
			assert_true(r.net.encoder->last[x] != 0);
			zeros += r.net.last[x] == 0;
		}
		assert_true((zeros > 0) == !r.m->spec.form->norm);
		pair_rig_close(&r);
	}
}

/* Evaluation, which keeps nothing, and the head's loss. */
static void evaluation_is_training(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++)
		for (int size = 0; size < 2; size++) {
			const few_pairs f = ragged(size, 0);
			const ur_pass p = few_pass(&f);
			const size_t n = (size_t)f.T * B;
			double losses[PAIR_MOST * PAIR_MOST];
			pair_rig r[2];

			for (int training = 0; training < 2; training++) {
				open_rig(&r[training], pair_specs[i], size, training, 2);
				ur_net_forward(&r[training].net, &p);
			}
			if (!(apart(n * (size_t)r[0].m->spec.width, r[0].net.last, r[1].net.last) < 1e-6))
				fail_msg("%s: evaluation and training differ", pair_specs[i]);
			ur_net_losses(&r[0].net, (int)n, f.targets, losses);
			(void)pair_gradient(&r[1], &f, 0, NULL);
			for (size_t j = 0; j < n; j++)
				assert_true(fabs(losses[j] - r[1].back.losses[j]) < 1e-5);
			pair_rig_close(&r[0]);
			pair_rig_close(&r[1]);
		}
}

/* -- steps -- */

typedef struct decoder {
	pair_rig *r;
	ur_net encoder;                 /* planned without a decoder */
	ur_step step;
	ur_remembered source[MOST_B];
	void *states[MOST_B];
	float *weights[MOST_B], *logits;
	ur_arena arena;
} decoder;

static void decoder_open(decoder *d, pair_rig *r, const few_pairs *f)
{
	const ur_model *m = r->m;

	*d = (decoder){ .r = r };
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			assert_true(ur_arena_open(&d->arena));
		ur_net_plan_pairs(&d->encoder, m, &r->c, MOST_S, 0, MOST_B, 0, &d->arena);
		ur_step_plan(&d->step, m, f->B, &d->arena);
		d->logits = UR_TAKE(&d->arena, float, f->B * m->V);
		for (int b = 0; b < f->B; b++) {
			const int S = f->source_len[b];
			d->source[b] = (ur_remembered){ S, UR_TAKE(&d->arena, float, ur_remembered_size(m, S)) };
			d->states[b] = UR_TAKE(&d->arena, char, ur_model_state_size(m));
			d->weights[b] = UR_TAKE(&d->arena, float, S);
		}
	}
	assert_int_equal(d->arena.used, d->arena.size);
}

/* Encodes all pairs and makes of each what its steps want. */
static void decoder_encode(decoder *d, const few_pairs *f)
{
	const ur_model *m = d->r->m;
	const ur_net *net = &d->encoder;
	const size_t M = (size_t)m->encoder.out;
	const ur_pass p = few_pass(f);

	ur_net_encode(&d->encoder, &p);
	for (int b = 0; b < f->B; b++) {
		float memory[MOST_S * 64];

		assert_true(M <= 64);
		for (int s = 0; s < f->source_len[b]; s++)
			memcpy(memory + (size_t)s * M, net->encoder->last + (size_t)(s * f->B + b) * M, M * sizeof *memory);
		ur_remember(m, memory, net->join.first ? ur_join_summary(&net->join, b) : NULL, &d->source[b]);
		ur_model_state_clear(m, d->states[b]);
		for (int i = 0; net->join.first && i < m->spec.layers; i++)
			memcpy(ur_model_state_of(m, d->states[b], i), ur_join_states(&net->join, net->join.first_at, 0, i)[b],
			       ur_layer_state(&m->stack.layer[i]));
	}
}

/* One step of n pairs, of which stream i is pair[i]. */
static void decoder_step(decoder *d, int n, const int *pair, const int32_t *tokens)
{
	const ur_remembered *source[MOST_B];
	void *states[MOST_B];
	float *weights[MOST_B];

	for (int i = 0; i < n; i++) {
		source[i] = &d->source[pair[i]];
		states[i] = d->states[pair[i]];
		weights[i] = d->weights[pair[i]];
	}
	ur_step_streams(&d->step, &(ur_step_call){ .n = n, .tokens = tokens, .states = states, .source = source,
		.weights = weights, .logits = d->logits });
}

static void steps_are_forward(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++)
		for (int size = 0; size < 2; size++) {
			const few_pairs f = ragged(size, 2);
			const ur_pass p = few_pass(&f);
			float *logits, *weights = malloc(sizeof *weights * MOST_T * B * MOST_S);
			pair_rig r;
			decoder many, one;
			int V, looks;

			assert_non_null(weights);
			open_rig(&r, pair_specs[i], size, 0, 2);
			V = r.m->V;
			looks = r.m->spec.attend || r.m->spec.form->norm;
			r.net.weights = looks ? weights : NULL;
			ur_net_forward(&r.net, &p);
			logits = pair_logits(&r, &p);
			decoder_open(&many, &r, &f);
			decoder_open(&one, &r, &f);
			decoder_encode(&many, &f);
			decoder_encode(&one, &f);
			for (int t = 0; t < f.T; t++) {
				int pair[MOST_B], n = 0;
				int32_t tokens[MOST_B];

				/* those that go on, in another order than they were encoded in */
				for (int b = B; b-- > 0;)
					if (t < f.len[b]) {
						pair[n] = b;
						tokens[n++] = f.ids[t * B + b];
					}
				decoder_step(&many, n, pair, tokens);
				for (int j = 0; j < n; j++) {
					const int b = pair[j];
					const float *want = logits + (t * B + b) * V, *look = weights + (t * B + b) * f.S;
					double all = 0;

					if (!(apart((size_t)V, many.logits + j * V, want) < 2e-5))
						fail_msg("%s, pair %d, step %d: logits differ by %g", pair_specs[i], b, t,
						         apart((size_t)V, many.logits + j * V, want));
					decoder_step(&one, 1, &b, &tokens[j]);
					assert_memory_equal(one.logits, many.logits + j * V, (size_t)V * sizeof *one.logits);
					for (int s = 0; looks && s < f.source_len[b]; s++) {
						assert_true(fabs(look[s] - many.weights[b][s]) < 1e-5);
						assert_true(one.weights[b][s] == many.weights[b][s]);
						all += look[s];
					}
					assert_true(!looks || fabs(all - 1) < 1e-5);
					for (int s = f.source_len[b]; looks && s < f.S; s++)
						assert_true(look[s] == 0);
					assert_int_equal(*ur_model_position(many.states[b]), t + 1);
				}
			}
			free(logits);
			free(weights);
			ur_arena_close(&many.arena);
			ur_arena_close(&one.arena);
			pair_rig_close(&r);
		}
}

/* Hypotheses of one source, each from a copy of the other's state. */
static void streams_share_a_source(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		const few_pairs f = few_pairs_of(2, (int[]){ 5, 5 }, (int[]){ 4, 4 }, 13, 11, 0, 4);
		pair_rig r;
		decoder d;
		ur_remembered own;
		float both[2][11];

		open_rig(&r, pair_specs[i], 0, 0, 1);
		decoder_open(&d, &r, &f);
		decoder_encode(&d, &f);
		own = d.source[1];
		d.source[1] = d.source[0];
		decoder_step(&d, 1, &(int){ 0 }, f.ids);
		ur_model_state_copy(r.m, d.states[1], d.states[0]);
		decoder_step(&d, 2, (int[]){ 0, 1 }, (int32_t[]){ 3, 4 });
		memcpy(both, d.logits, sizeof both);
		d.source[1] = own;
		assert_true(apart(11, both[0], both[1]) > 1e-3);
		for (int token = 3; token < 5; token++) {
			decoder_encode(&d, &f);
			decoder_step(&d, 1, &(int){ 0 }, f.ids);
			decoder_step(&d, 1, &(int){ 0 }, &(int32_t){ token });
			assert_memory_equal(d.logits, both[token - 3], sizeof both[0]);
		}
		ur_arena_close(&d.arena);
		pair_rig_close(&r);
	}
}

/* What the source says matters to every logit, or the tests above would compare little. */
static void sources_matter(void **unused)
{
	(void)unused;
	for (int i = 0; i < PAIR_SPECS; i++) {
		const few_pairs f = ragged(0, 0);
		few_pairs other = f;
		ur_pass p = few_pass(&f);
		pair_rig r;
		float *a, *b;

		for (int k = 0; k < B; k++) /* its first token, the farthest from the decoder */
			other.source[k] = (f.source[k] + 1) % 12;
		open_rig(&r, pair_specs[i], 0, 0, 1);
		ur_net_forward(&r.net, &p);
		a = pair_logits(&r, &p);
		p.source = other.source;
		ur_net_forward(&r.net, &p);
		b = pair_logits(&r, &p);
		for (int k = 0; k < B; k++)
			for (int t = 0; t < f.len[k]; t++)
				if (!(apart(11, a + (t * B + k) * 11, b + (t * B + k) * 11) > 1e-3))
					fail_msg("%s, pair %d, step %d: another source changes nothing", pair_specs[i], k, t);
		free(a);
		free(b);
		pair_rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients), cmocka_unit_test(padding_does_not_leak), cmocka_unit_test(lengths_may_be_left_out),
		cmocka_unit_test(same_bits), cmocka_unit_test(masks_are_of_side_and_step),
		cmocka_unit_test(evaluation_is_training), cmocka_unit_test(steps_are_forward),
		cmocka_unit_test(streams_share_a_source), cmocka_unit_test(sources_matter),
	};
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
