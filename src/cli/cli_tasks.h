/* Tasks as commands take and show them. */
#ifndef UR_CLI_TASKS_H
#define UR_CLI_TASKS_H

#include "cli/cli.h"

#include "train/train.h"

/* Lines of "name  what it is", the names `width` columns wide. */
void ur_task_score_print(const ur_task_score *s, int width);
/* {"sequences", "targets", "loss", "accuracy", "whole", "mse": [mean, low, high] each} */
json_t *ur_task_score_json(const ur_task_score *s);
/* A held-out sequence up to its first answer, and how many tokens the answers behind it are, for `generate`; malloc'd
 * and quoted. NULL: it is too long to show. */
char *ur_task_prompt(const ur_task *task, int *answers);

/* ---- eval of a model on a task ---- */

typedef struct ur_task_asked {
	const char *model, *data;       /* data NULL: the task that the model was trained on */
	const char *part;
	int64_t sequences;              /* 0: the standard number */
	int json;
} ur_task_asked;
/* Whether a model was trained on a task: its text, in the caller's buffer. */
int ur_task_of_model(const char *model, char text[UR_TASK_TEXT]);
/* Returns the exit code. */
int ur_eval_task(const ur_args *args, const ur_model *m, const ur_ctx *ctx, const ur_task_asked *v);

#endif
