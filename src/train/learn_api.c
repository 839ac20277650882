/* unroll_train.h: a learner with a thread of its own. */
#include "unroll_train.h"

#include "train/learner.h"

#include <stdlib.h>
#include <string.h>

struct ur_online { ur_ctx ctx; ur_learner *learner; int outputs; };

/* Members that lie beyond what the caller's struct has are the defaults. */
static ur_status settings(const unroll_learn_options *given, const ur_spec *spec, ur_learning *h, uint64_t *seed,
                          ur_err *err)
{
	unroll_learn_options o = { 0 };

	if (given && (given->size < sizeof given->size || given->size > sizeof o))
		return ur_fail(err, UR_E_INVALID, "unroll_learn_options.size is %zu; set it to sizeof(unroll_learn_options)",
		               given->size);
	if (given)
		memcpy(&o, given, given->size);
	ur_learning_defaults(h, spec);
	h->window = o.window ? o.window : h->window;
	h->whole = o.whole;
	h->lr = o.lr != 0 ? o.lr : h->lr;
	h->optimizer = o.optimizer ? o.optimizer : h->optimizer;
	h->fade = o.fade != 0 ? o.fade : h->fade;
	h->norm = o.normalise != 0 ? o.normalise : h->norm;
	h->delta = o.delta != 0 ? o.delta : h->delta;
	h->faster = o.faster;
	h->freeze_after = o.freeze_after ? o.freeze_after : h->freeze_after;
	*seed = o.seed;
	return UR_OK;
}

static ur_status start(ur_online **out, ur_err *err)
{
	ur_online *h = calloc(1, sizeof *h);

	*out = NULL;
	if (!h)
		return ur_fail(err, UR_E_NOMEM, "no memory for a learner");
	if (!ur_ctx_open(&h->ctx, NULL, 1)) {
		free(h);
		return ur_fail(err, UR_E_INVALID, "UNROLL_CPU names kernels that this processor cannot run, or there is no "
		               "memory");
	}
	*out = h;
	return UR_OK;
}

static ur_status end(ur_online *h, ur_status status, ur_online **learner)
{
	if (status) {
		unroll_learn_close(h);
		return status;
	}
	h->outputs = ur_learner_model(h->learner)->V;
	*learner = h;
	return UR_OK;
}

ur_status unroll_learn_new(const char *spec, int features, int classes, int blind, const unroll_learn_options *options,
                           ur_online **learner, ur_err *err)
{
	ur_model *model;
	ur_learning how;
	ur_spec parsed;
	uint64_t seed;
	ur_online *h;
	ur_status status = start(&h, err);

	*learner = NULL;
	if (status)
		return status;
	if (!(status = ur_spec_parse(spec, &parsed, err)) && !(status = settings(options, &parsed, &how, &seed, err)) &&
	    !(status = ur_learn_model(&parsed, &(ur_learn_shape){ .features = features, .classes = classes,
		.blind = blind },
	                              seed, h->ctx.k, &model, err)))
		status = ur_learner_open(&how, model, 1, &h->ctx, &h->learner, err);
	return end(h, status, learner);
}

ur_status unroll_learn_open(const char *path, const unroll_learn_options *options, ur_online **learner, ur_err *err)
{
	ur_model *model = NULL;
	ur_learning how;
	uint64_t seed;
	ur_online *h;
	ur_status status = start(&h, err);

	*learner = NULL;
	if (status)
		return status;
	if (!(status = ur_model_load(path, h->ctx.k, 1, &model, err)) &&
	    (status = settings(options, &model->spec, &how, &seed, err)))
		ur_model_free(model);
	if (!status)
		status = ur_learner_open(&how, model, 0, &h->ctx, &h->learner, err);
	return end(h, status, learner);
}

void unroll_learn_close(ur_online *l)
{
	if (!l)
		return;
	ur_learner_close(l->learner);
	ur_ctx_close(&l->ctx);
	free(l);
}

int unroll_learn_features(const ur_online *l) { return ur_learner_features(l->learner); }
int unroll_learn_outputs(const ur_online *l) { return l->outputs; }
size_t unroll_learn_bytes(const ur_online *l)
{
	return sizeof *l + l->ctx.memory.size + ur_learner_bytes(l->learner);
}

ur_status unroll_learn_predict(ur_online *l, const float *values, const float **out, ur_err *err)
{
	const float *unwanted;
	return ur_learner_predict(l->learner, values, out ? out : &unwanted, err);
}

/* Classes are answers to rows, tokens are events. */
static ur_status answer(ur_online *l, int number, int token, int *drift, ur_err *err)
{
	ur_learner *learner = l->learner;
	int unwanted;

	if (token != !ur_learner_model(learner)->ports)
		return ur_fail(err, UR_E_INVALID, token ? "the model reads values, not tokens" : "the model reads tokens");
	return ur_learner_answer(learner, number, drift ? drift : &unwanted, err);
}

ur_status unroll_learn_class(ur_online *l, int number, int *drift, ur_err *err)
{
	return answer(l, number, 0, drift, err);
}

ur_status unroll_learn_token(ur_online *l, int token, int *drift, ur_err *err)
{
	return answer(l, token, 1, drift, err);
}

ur_status unroll_learn_value(ur_online *l, double number, int *drift, ur_err *err)
{
	int unwanted;
	return ur_learner_answer_value(l->learner, number, drift ? drift : &unwanted, err);
}

static unroll_learn_one one_of(const ur_learned *g, int who)
{
	const ur_standing s = ur_prequential_of(&g->score, who);
	const double numbers = g->says_values ? 1 : 0.0 / 0.0, classes = g->says_values ? 0.0 / 0.0 : 1;

	return (unroll_learn_one){ .events = s.n, .accuracy = s.right.mean * classes,
		.accuracy_lately = s.right_now.mean * classes, .rmse = s.rmse * numbers, .rmse_lately = s.rmse_now * numbers,
		.mae = s.mae * numbers, .mae_lately = s.mae_now * numbers, .loss = s.loss, .loss_lately = s.loss_now };
}

ur_status unroll_learn_ask(const ur_online *l, unroll_learn_score *score, ur_err *err)
{
	const ur_learned g = ur_learner_score(l->learner);
	unroll_learn_score s = { .size = score->size, .events = g.events, .drifts = g.drifts, .last_drift = g.last_drift,
		.skipped = g.skipped, .model = one_of(&g, UR_OF_MODEL), .frozen = one_of(&g, UR_OF_FROZEN),
		.last = one_of(&g, UR_OF_LAST), .usual = one_of(&g, UR_OF_USUAL) };

	if (score->size < sizeof score->size || score->size > sizeof s)
		return ur_fail(err, UR_E_INVALID, "unroll_learn_score.size is %zu; set it to sizeof(unroll_learn_score)",
		               score->size);
	memcpy(score, &s, score->size);
	return UR_OK;
}

ur_status unroll_learn_save(ur_online *l, const char *path, ur_err *err)
{
	return ur_learner_save(l->learner, NULL, path, err);
}

ur_status unroll_learn_restore(ur_online *l, const char *path, ur_err *err)
{
	return ur_learner_restore(l->learner, path, NULL, err);
}

ur_status unroll_learn_write(ur_online *l, const char *path, ur_err *err)
{
	return ur_model_save(ur_learner_model(l->learner), path, 0, NULL, err);
}
