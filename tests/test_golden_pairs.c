/* Whole models of pairs against PyTorch's (golden/make_models.py): the file's names, losses, where the decoder looked,
 * and the gradient of every parameter. A difference is the largest one by the largest value of the array. */
#include "arrays.h"
#include "pair_rig.h"

static const char *const names[] = { "lstm", "summary", "bahdanau", "luong", "luong_bi", "post", "pre" };
enum { NAMES = sizeof names / sizeof *names };
static const double bound = 1e-5;

static const ur_tensor *tensor(const ur_safetensors *f, const char *name)
{
	const ur_tensor *t = ur_safetensors_find(f, name);
	if (!t)
		fail_msg("a golden file has no %s", name);
	return t;
}

/* Whole numbers, at most PAIR_MOST^2. */
static void wholes(const ur_safetensors *f, const char *name, int32_t *to)
{
	const ur_tensor *t = tensor(f, name);
	assert_true(t->dtype == UR_ST_I32 && t->count <= PAIR_MOST * PAIR_MOST);
	memcpy(to, t->data, (size_t)t->count * sizeof *to);
}

static void check(const char *model, const char *what, size_t n, const float *got, const float *want)
{
	const double off = apart(n, got, want);
	if (!(off <= bound))
		fail_msg("%s: %s is off by %.3g of its largest value", model, what, off);
}

static void check_floats(const ur_safetensors *f, const char *model, const char *name, size_t n, const float *got)
{
	const ur_tensor *t = tensor(f, name);
	float *want = malloc(n * sizeof *want);

	assert_non_null(want);
	assert_int_equal(t->count, n);
	assert_ok(ur_tensor_read_f32(f, t, want, why));
	check(model, name, n, got, want);
	free(want);
}

static void check_model(const ur_kernels *k, const char *name)
{
	char path[300];
	ur_safetensors *f;
	pair_rig r = { 0 };
	few_pairs pairs = { 0 };
	ur_pass p;
	float *logits, *want, weights[PAIR_MOST * PAIR_MOST * PAIR_MOST], losses[PAIR_MOST * PAIR_MOST];
	ur_aim aim = { .weight = 1 };
	int V;

	assert_true(ur_ctx_open(&r.c, NULL, 2));
	r.c.k = k;
	snprintf(path, sizeof path, "%s/golden/pairs_%s.safetensors", TEST_DATA, name);
	assert_ok(ur_model_load(path, k, 1, &r.m, why));
	snprintf(path, sizeof path, "%s/golden/pairs_%s.golden.safetensors", TEST_DATA, name);
	assert_ok(ur_safetensors_open(path, &f, why));
	pairs.S = (int)tensor(f, "source")->shape[0];
	pairs.T = (int)tensor(f, "ids")->shape[0];
	pairs.B = (int)tensor(f, "ids")->shape[1];
	wholes(f, "source", pairs.source);
	wholes(f, "source_len", pairs.source_len);
	wholes(f, "ids", pairs.ids);
	wholes(f, "len", pairs.len);
	wholes(f, "targets", pairs.targets);
	aim.smoothing = strtof(ur_safetensors_meta(f, "smoothing"), NULL);
	pair_rig_plan(&r, pairs.S + 1, pairs.T, pairs.B + 1, 1);
	r.net.weights = ur_safetensors_find(f, "weights") ? weights : NULL;
	(void)pair_gradient(&r, &pairs, 0, &aim);

	p = few_pass(&pairs);
	V = r.m->V;
	logits = pair_logits(&r, &p);
	for (int row = 0; row < p.T * p.B; row++) {
		losses[row] = (float)r.back.losses[row];
		if (pairs.targets[row] < 0)
			memset(logits + row * V, 0, (size_t)V * sizeof *logits);
	}
	check_floats(f, name, "logits", (size_t)(p.T * p.B * V), logits);
	check_floats(f, name, "losses", (size_t)(p.T * p.B), losses);
	if (r.net.weights)
		check_floats(f, name, "weights", (size_t)(p.T * p.B * p.S), weights);
	want = calloc(r.m->floats, sizeof *want);
	assert_non_null(want);
	assert_ok(ur_model_read_tensors(r.m, f, "grad.", want, why));
	for (int i = 0; i < r.m->params; i++)
		check(name, r.m->param[i].name, r.m->param[i].count, r.back.of[i], want + r.m->param[i].at);
	free(want);
	free(logits);
	ur_safetensors_close(f);
	pair_rig_close(&r);
}

static void models_are_pytorch_s(void **unused)
{
	const ur_kernels *sets[2];
	const int n = sets_to_test(sets);

	(void)unused;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < NAMES; j++)
			check_model(sets[i], names[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(models_are_pytorch_s) };
	if (!ur_kernels_pick(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
