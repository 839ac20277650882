/* Synthetic tasks: sequences that are drawn, not read, of which it is known what a model must remember, and for how
 * long. A task is written in a line, as a spec is:
 *
 *     task:NAME,T=N[,option=value]...     task:recall,T=512,pairs=4
 *
 * Every token is one printable character, and the vocabulary is a char vocabulary (vocab/), so sequences can be read
 * and models of a task generate. A task is one file, task_NAME.c, and one line in tasks.def.
 *
 * Sequence i of a part is a function of (seed, part, i) alone: batches are never repeated, need no memory, and are the
 * same at any number of threads. Training draws by its own seed; validation and test by one seed, whatever that of the
 * training, and from counters that training's never reach, so a held-out sequence never shares a random number with one
 * that was trained on. (Tiny tasks have so few different sequences that equal ones do come up.) */
#ifndef UR_TASK_H
#define UR_TASK_H

#include "base/option.h"
#include "data/split.h"
#include "vocab/vocab.h"

enum {
	UR_TASK_OPTIONS = 4, UR_TASK_TEXT = 200,
	UR_TASK_LONGEST = 4000000,          /* positions of a sequence */
	UR_TASK_ITEMS = 256,                /* things to remember */
};

typedef struct ur_task ur_task;

/* The numbers of one sequence, in the order in which they are drawn. */
typedef struct ur_draw { uint64_t seed, high, at; uint32_t word[4]; } ur_draw;
/* Uniform in [0, n), n in 1 .. 2^24; the bias is at most n / 2^32, relative. */
int ur_draw_below(ur_draw *d, int n);
/* k of the numbers 0 .. n - 1, each set of them as likely as any other, in rising order; k <= n. */
void ur_draw_places(ur_draw *d, int k, int n, int *place);

/* One sequence on its way into a batch: B is the step from position to position. */
typedef struct ur_sequence { const int32_t *token; int32_t *ids, *targets; int B; } ur_sequence;
/* At a position `read` is read and `say` is to be said then (0: nothing is scored). */
static inline void ur_sequence_put(const ur_sequence *s, int at, char read, char say)
{
	s->ids[(size_t)at * (size_t)s->B] = s->token[(unsigned char)read];
	s->targets[(size_t)at * (size_t)s->B] = say ? s->token[(unsigned char)say] : -1;
}

typedef struct ur_task_kind {
	const char *name, *about;       /* one sentence: what is asked */
	const char *of_T;               /* what T is */
	const char *source;             /* whose task it is, and where ours differs */
	const ur_option *options;       /* ends with a NULL name; may be NULL */
	/* 0, or why these cannot be is in said; T and the options are set and within their bounds. NULL: all can. */
	int (*check)(const ur_task *t, char *said, size_t room);
	/* Its characters, ASCII, in any order, into out[128]. */
	void (*characters)(const ur_task *t, char *out);
	/* Positions of a sequence, and how many of them are scored. */
	void (*size)(const ur_task *t, int *length, int *scored);
	/* Puts every position of one sequence. */
	void (*draw)(const ur_task *t, ur_draw *d, const ur_sequence *s);
	/* The number a character of an answer stands for, or NaN; NULL: answers are no numbers. */
	double (*number)(const ur_task *t, char c);
} ur_task_kind;

struct ur_task {
	char text[UR_TASK_TEXT];        /* as it was given */
	const ur_task_kind *kind;
	int T;
	double option[UR_TASK_OPTIONS]; /* in the order the kind lists them */
	int length, scored;             /* positions of every sequence; how many of them have a target */
	ur_vocab *vocab;                /* held */
	int32_t token[128];             /* of a character; -1: none */
};

/* Whether a text, such as that of --data, is a task's. */
int ur_task_named(const char *text);
/* UR_E_INVALID: err says what is wrong, points at it, and lists what there is. UR_E_NOMEM. On failure *task is all
 * zero; ur_task_free is needed after success. */
ur_status ur_task_parse(const char *text, ur_task *task, ur_err *err);
void ur_task_free(ur_task *task);
/* Equal for texts that mean the same sequences; the same on every machine. */
uint64_t ur_task_fingerprint(const ur_task *task);

/* B sequences of a part from number `first` on: ids (length, B) time-major, targets likewise, negative: not scored.
 * Parts other than UR_TRAIN do not depend on the seed. */
void ur_task_draw(const ur_task *task, uint64_t seed, ur_part_of part, int64_t first, int B, int32_t *ids,
                  int32_t *targets);
/* The number a token stands for; NaN: none. */
double ur_task_number(const ur_task *task, int token);

/* Every task and its options, a line each; calls line(arg, name, about). */
void ur_task_help(void (*line)(void *arg, const char *name, const char *about), void *arg);

#define UR_TASK(name) extern const ur_task_kind ur_task_##name;
#include "data/tasks.def"
#undef UR_TASK

#endif
