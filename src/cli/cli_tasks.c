/* Tasks in commands: scores in words and as JSON, and unroll eval of a model on one. */
#include "cli/cli_tasks.h"

#include "train/score_task.h"

#include <math.h>
#include <stdlib.h>

enum { LONGEST_PROMPT = 100 };

/* One value has no interval. */
static void interval(const ur_average *a, double by, int digits)
{
	if (isnan(a->low))
		printf("\n");
	else
		printf(" [%.*f, %.*f]\n", digits, by * a->low, digits, by * a->high);
}

static void share(const char *name, int width, const ur_average *a, const char *of)
{
	printf("%-*s%.2f %% %s", width, name, 100 * a->mean, of);
	interval(a, 100, 2);
}

void ur_task_score_print(const ur_task_score *s, int width)
{
	ur_short sequences;

	share("accuracy", width, &s->accuracy, "of the answers");
	share("whole", width, &s->whole, "of the sequences have no answer wrong");
	if (!isnan(s->mse.mean)) {
		printf("%-*s%.5f mean squared error", width, "mse", s->mse.mean);
		interval(&s->mse, 1, 5);
	}
	printf("%-*s%s sequence%s that training never sees; [95 %% intervals]\n", width, "held out",
	       ur_commas(s->sequences, sequences), s->sequences == 1 ? "" : "s");
}

static json_t *average_json(const ur_average *a)
{
	return isnan(a->mean) ? json_null() : json_pack("[o, o, o]", ur_json_number(a->mean), ur_json_number(a->low),
	                                                ur_json_number(a->high));
}

json_t *ur_task_score_json(const ur_task_score *s)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "sequences", (json_int_t)s->sequences, "targets",
		(json_int_t)s->targets, "loss", average_json(&s->loss), "accuracy", average_json(&s->accuracy), "whole",
		average_json(&s->whole), "mse", average_json(&s->mse));
}

char *ur_task_prompt(const ur_task *task, int *answers)
{
	int32_t *ids = calloc((size_t)task->length, sizeof *ids), *targets = calloc((size_t)task->length, sizeof *targets);
	char text[LONGEST_PROMPT + 1] = "";
	int first = 0;

	*answers = 0;
	if (ids && targets) {
		ur_task_draw(task, 0, UR_TEST, 0, 1, ids, targets);
		while (targets[first] < 0)
			first++;
		/* answers that are not read back cannot be told to go on */
		if (first + 1 < task->length && ids[first + 1] != targets[first])
			first = task->length - 1;
		for (int t = first; t < task->length && targets[t] >= 0; t++)
			++*answers;
		for (int t = 0; t <= first && first < LONGEST_PROMPT; t++) {
			const char *piece;
			(void)ur_vocab_decode(task->vocab, ids[t], &piece);
			text[t] = *piece;
		}
	}
	free(ids);
	free(targets);
	return *text ? ur_quoted(text) : NULL;
}

int ur_task_of_model(const char *model, char text[UR_TASK_TEXT])
{
	ur_safetensors *file = NULL;
	const char *kept = NULL;

	if (!ur_safetensors_open(model, &file, NULL))
		kept = ur_safetensors_meta(file, "unroll.task");
	(void)snprintf(text, UR_TASK_TEXT, "%s", kept ? kept : "");
	ur_safetensors_close(file);
	return kept != NULL;
}

int ur_eval_task(const ur_args *args, const ur_model *m, const ur_ctx *ctx, const ur_task_asked *v)
{
	char text[UR_TASK_TEXT] = "";
	ur_task_score score;
	ur_task task = { 0 };
	ur_err err = { 0 };
	ur_status status;
	int code = UR_EXIT_OK;

	if (!strcmp(v->part, "train") || !strcmp(v->part, "all"))
		return ur_wrong(args, "--part %s: a task's sequences are drawn anew for every step; its parts are val and test",
		                v->part);
	if (!v->data)
		(void)ur_task_of_model(v->model, text);
	status = ur_task_parse(v->data ? v->data : text, &task, &err);
	if (!status)
		status = ur_evaluate_task(m, ctx, &task, strcmp(v->part, "test") ? UR_VAL : UR_TEST,
		                          v->sequences ? v->sequences : UR_TASK_HELD_OUT, &score, &err);
	if (status) {
		code = ur_failed(args, status, &err);
	} else if (v->json) {
		json_t *json = ur_task_score_json(&score);
		if (json)
			json_object_update_new(json, json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "model", ur_json_string(v->model),
				"spec", m->spec.text, "task", task.text, "part", v->part, "perplexity",
				ur_json_number(exp(score.loss.mean)), "seconds", ur_json_number(score.seconds)));
		code = ur_print_json(args, json);
	} else {
		printf("task        %s (part: %s)\n", task.text, v->part);
		printf("loss        %.4f nats an answer [%.4f, %.4f]\n", score.loss.mean, score.loss.low, score.loss.high);
		ur_task_score_print(&score, 12);
	}
	ur_task_free(&task);
	return code;
}
