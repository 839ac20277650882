/* The laws of mixers that read an encoder's outputs, beside all the others: included by test_laws.c alone. */

/* What one step said it looked at: shares of the rows within the source's length, nothing beyond. */
static void check_shares(world *w, const float *shares, int mlen)
{
	double sum = 0;
	for (int j = 0; j < w->S; j++) {
		if (j < mlen)
			must(w, shares[j] >= 0, "weights: a share of %g", (double)shares[j]);
		else
			must(w, same(&shares[j], &(float){0}, 1), "weights: %g beyond the source's length", (double)shares[j]);
		sum += (double)shares[j];
	}
	keep(w, MEMORY, fabs(sum - 1), 2e-6, "weights add up to 1");
}

static void law_memory(world *w)
{
	arrays a = {0};
	enum { B = 5 };
	const int T = w->T, len[B] = {T, T - 3, T, 1, T};
	const size_t in = (size_t)w->d.in, out = (size_t)w->d.out, n = (size_t)T * B, S = (size_t)w->S;
	states start = states_warm(w, &a, B, w->warm, 1), s1 = states_copy(w, &a, &start, B), s2 = s1, s3;
	float *x = random_floats(w, &a, n * in, 1), *y = arr(&a, n * out), *z = arr(&a, n * out);
	float *weights = arr(&a, n * S), *again = arr(&a, n * S), *plain = arr(&a, out);
	ur_span s = {.T = T, .B = B, .len = len, .x = x, .y = y, .weights = weights, .state = s1.at};

	/* asking what it looked at changes nothing, saving or not */
	forward(w, w->ctx, &a, &s, 0);
	s2 = states_copy(w, &a, &start, B);
	s.state = s2.at, s.y = z, s.weights = NULL;
	forward(w, w->ctx, &a, &s, 0);
	must(w, same(y, z, n * out), "y depends on whether weights are wanted");
	s2 = states_copy(w, &a, &start, B);
	s.state = s2.at, s.weights = again;
	forward(w, w->ctx, &a, &s, 1);
	keep(w, MEMORY, differ(again, weights, n * S), 1e-6, "weights when saving");
	for (int t = 0; t < T; t++)
		for (int b = 0; b < B; b++) {
			const float *shares = weights + (size_t)(t * B + b) * S;
			if (t < len[b])
				check_shares(w, shares, w->mlen[b]);
			for (size_t j = 0; t >= len[b] && j < S; j++)
				must(w, same(&shares[j], &(float){0}, 1), "weights: %g beyond the sequence", (double)shares[j]);
		}
	/* a step looks where forward does */
	s3 = states_copy(w, &a, &start, B);
	for (int b = 0; b < B; b++)
		for (int t = 0; t < len[b]; t++) {
			size_t at = (size_t)(t * B + b), rows = (size_t)w->mlen[b];
			arrays own = {0};
			float *work = arr(&own, w->m->step_work(&w->d, 1)), *shares = arr(&own, rows);
			states fork = {{copy_of(&own, s3.at[b], w->state)}};
			ur_turn turn = {.k = w->k, .d = &w->d, .w = w->w, .n = 1, .x = x + at * in, .y = z, .state = &s3.at[b],
			                .memory = (const float *const *)w->made + b, .mlen = w->mlen + b, .weights = &shares,
			                .work = work};
			w->m->step(&turn);
			step(w, w->w, b, 1, x + at * in, plain, fork.at);
			must(w, same(z, plain, out) && same(fork.at[0], s3.at[b], w->state), "weights change a step");
			keep(w, MEMORY, differ(shares, weights + at * S, rows), 1e-5, "a step's weights == forward's");
			must(w, !arr_broken(&own), "weights: an array was overrun");
			arr_free(&own);
		}
	/* every row of memory counts */
	for (int j = 0; j < w->mlen[0]; j++) {
		float *row = w->source[0] + (size_t)j * (size_t)w->d.memory, kept = *row;
		*row = kept + 0.7f;
		s2 = states_copy(w, &a, &start, 1);
		s = (ur_span){.T = T, .B = 1, .x = x, .y = z, .state = s2.at};
		forward(w, w->ctx, &a, &s, 0);
		*row = kept;
		s2 = states_copy(w, &a, &start, 1);
		s.y = y, s.state = s2.at;
		forward(w, w->ctx, &a, &s, 0);
		must(w, !same(y, z, (size_t)T * out), "row %d of memory does not count", j);
	}
	must(w, !arr_broken(&a), "memory: an array was overrun");
	arr_free(&a);
}
