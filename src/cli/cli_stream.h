/* The parts of unroll stream: what an answer says (cli_answer.c), what the model is told of the answer before
 * (cli_stream_before.c), what is kept between runs (cli_stream_state.c). */
#ifndef UR_CLI_STREAM_H
#define UR_CLI_STREAM_H

#include "cli/cli.h"

#include "data/events.h"

/* ---- answers ---- */

/* An event, and what the model makes of it. */
typedef struct ur_answer {
	int64_t event;                  /* number, from 1 */
	int64_t position;               /* steps since the sequence began, this event's included */
	int64_t tokens;                 /* text: of this event */
	double surprise;                /* text: nats a token, of those that the model foresaw; NaN: it foresaw none */
	const float *outputs;           /* (unroll_outputs); NULL: nothing has been fed since the sequence began */
} ur_answer;

typedef struct ur_answers ur_answers;
/* Answers of a model on standard output, a line each. `top`: classes or tokens, likeliest first. NULL: no memory. */
ur_answers *ur_answers_open(const ur_model *m, int top, int json);
void ur_answers_close(ur_answers *a);
/* UR_E_DIVERGED: the outputs are not numbers; nothing is printed. UR_E_NOMEM. What becomes of the printing, stdout
 * knows. */
ur_status ur_answers_print(ur_answers *a, const ur_answer *answer, ur_err *err);
/* ln of the sum of exponentials of n logits: a logit less that is the ln of its probability. */
double ur_log_sum(const float *logits, int n);
/* The `top` largest of n numbers in best[top], top <= n; of equals the first. */
void ur_find_best(const float *logits, int n, int top, int *best);
/* What the lines are, for help. */
#define UR_ANSWERS_ABOUT \
	"Answers are columns with tabs between them. Of text: the event's number, the steps since the sequence began, " \
	"the event's tokens, its surprise (nats a token, as the model saw them coming; -: it could not), then the " \
	"likeliest next token and its probability (--top K: K times). Of classes: number, steps, then class and probability. Of " \
	"values: number, steps, the values. In texts, \\t, \\n, \\r, \\\\ and \\xNN stand for what would break a line " \
	"or is not UTF-8."

/* ---- the answer before: a class's number, or a value; NaN: there is none ---- */

/* Values of events that a model reads: those of its inputs that are not of the answer before. */
int ur_before_features(const ur_model *m);
/* Fills the inputs behind so many features. */
void ur_before_tell(const ur_model *m, int features, double answer, float *values);
/* What stands in that column of an event (NULL: there is none); *there 0: nothing does. Classes go by their names, or,
 * where the model has none, by their numbers. UR_E_INVALID: no number. */
ur_status ur_before_read(const ur_model *m, const char *column, const ur_events *reader, const ur_event *event,
                         int *there, double *answer, ur_err *err);
/* What the model said itself: the likeliest class, or the value. */
double ur_before_own(const ur_model *m, const float *outputs);

/* ---- the state file ---- */

/* What a stopped stream goes on with, besides what the library saves of it. */
typedef struct ur_stream_memo {
	int64_t events;                 /* answered in all */
	int64_t since;                  /* since the sequence began */
	double answer;                  /* before the next event, of models that read it; NaN: none */
	int heard;                      /* `outputs` holds those of the last step */
	float *outputs;                 /* (unroll_outputs) the caller's */
	char *source;                   /* malloc'd UTF-8, names the file that events come from; NULL: none */
	ur_events_place place;          /* in it, behind the last answered event */
	int64_t mark;                   /* ur_source_mark of that place; less than 0: there is none */
} ur_stream_memo;

/* What stands before a byte of a file (up to 4 KB), hashed: another file is known by it. Less than 0: it cannot be
 * read. */
int64_t ur_source_mark(int fd, int64_t bytes);
/* Writes both, atomically. */
ur_status ur_stream_state_write(const char *path, const ur_model *m, const ur_stream *stream,
                                const ur_stream_memo *memo, ur_err *err);
/* Reads both into a stream of the same model; memo->outputs has room. UR_E_FORMAT: it is damaged or something else;
 * UR_E_INVALID: of another model or other options. *found 0: there is no such file, and nothing has changed. */
ur_status ur_stream_state_read(const char *path, const ur_model *m, ur_stream *stream, ur_stream_memo *memo, int *found,
                               ur_err *err);

#endif
