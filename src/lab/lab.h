/* The lab: the lesson, "why transformers replaced RNNs, and when they should not", claim by claim, each measured on
 * this machine. An experiment is one file and one line in experiments.def. It says before it measures what it claims,
 * what the cost model predicts and which rule decides; it measures into a journal, fact by fact, so that a lab that
 * was stopped goes on; and it concludes from those facts alone, so that its rules can be tried with made-up
 * measurements.
 *
 * What comes out is one JSON document, docs/LAB.md, from which the page and the terminal's text are made. */
#ifndef UR_LAB_H
#define UR_LAB_H

#include "compare/journal.h"
#include "kernel/gemm.h"
#include "lab/section.h"
#include "measure/speed.h"
#include "mixer/mixer.h"

#include <jansson.h>

/* How much time there is: all experiments in under 2 minutes, in under 15, as long as it takes; on 2 cores. */
typedef enum ur_lab_size { UR_LAB_QUICK, UR_LAB_DEFAULT, UR_LAB_FULL } ur_lab_size;
const char *ur_lab_size_name(ur_lab_size size);

/* A mixer as the lab times and counts it: in a layer of any width, with its standard options. */
typedef struct ur_lab_mixer {
	const char *name;                       /* "lstm" */
	const ur_mixer_forward *forward;
	const ur_mixer_backward *backward;
} ur_lab_mixer;

typedef struct ur_lab ur_lab;

typedef struct ur_experiment {
	const char *name;                       /* "serial": the command's word, and the section's anchor */
	const char *title;                      /* "One step after another" */
	const char *question;                   /* what it asks, one sentence */
	const char *claims;                     /* of the lesson: "L1" */
	const char *const *lesson;              /* paragraphs that explain it, NULL-terminated; `x` is code */
	const char *const *how;                 /* paragraphs: how it was measured */
	/* Seconds that measuring it may take on two cores at lab->size: for progress, and for what it allows itself. */
	double (*seconds)(const ur_lab *lab);
	/* Puts its facts, those that the journal does not have yet (ur_lab_recall, ur_lab_keep). NULL: it has none of its
	 * own and concludes from the sections of others. */
	ur_status (*measure)(ur_lab *lab, ur_err *err);
	/* From facts alone, {"name": fact}; any of them may be missing. Adds to the section what section.h offers: findings
	 * (stated whether or not there are facts yet), figures, charts, tables, questions. `others`: the sections of all
	 * experiments before it in the table, an array. Never fails for what was measured. */
	void (*conclude)(const json_t *facts, const json_t *others, ur_section *s);
} ur_experiment;

#define UR_EXPERIMENT(name) extern const ur_experiment ur_experiment_##name;
#include "lab/experiments.def"
#undef UR_EXPERIMENT
/* In the order of experiments.def, NULL-terminated. */
extern const ur_experiment *const ur_experiments[];
const ur_experiment *ur_experiment_find(const char *name);

/* What is going on; non-zero stops (UR_E_STOPPED). Called often, cheap ones are the callee's concern. */
typedef struct ur_lab_stage {
	const char *experiment, *what;          /* "serial", "forward at T = 512: lstm" */
	double share, eta;                      /* of the whole; seconds to go */
} ur_lab_stage;
typedef int ur_lab_watch(void *arg, const ur_lab_stage *stage);

struct ur_lab {
	ur_lab_size size;
	uint64_t seed;
	const ur_ctx *ctx, *one;                /* all threads of the lab, and one */
	ur_journal *journal;
	const ur_lab_mixer *mixer;              /* what is measured, NULL name at the end; NULL: all that ur_lab_mixers
	                                         * gives */
	int only[16], chosen;                   /* indices of the experiments asked for; chosen 0: all */
	int threads;                            /* that were asked for; 0: none were, all processors' */
	const char *command;                    /* as typed, may be NULL */
	ur_lab_watch *watch;
	void *arg;
	/* set by ur_lab_run */
	ur_speed speed;                         /* of all threads */
	ur_speed speed_one;                     /* of one */
	const ur_experiment *now;
	json_t *facts;                          /* of the experiment that goes on */
	double epoch, started, before;          /* Unix time; ur_clock of this sitting; seconds of earlier ones */
	double done, total;                     /* estimated seconds of work: of experiments that are done, of all */
	double began, spent;                    /* the experiment, on ur_clock; seconds of earlier sittings at it */
	double share;                           /* of it, as last said */
	double said;
	json_t *sections, *document;
	ur_lab_stage stage;
	char doing[96];
};

/* All mixers that need no encoder, from the tables, at most `room`; returns how many. */
int ur_lab_mixers(ur_lab_mixer *out, int room);

/* Runs the chosen experiments and puts the document under UR_STORE_DOCUMENT's name ("document") as it grows. *document:
 * the last one, a new reference, also where it was stopped (UR_E_STOPPED); NULL before there is one. An experiment
 * whose measuring fails for want of memory is reported as missing, with the reason; other failures end the lab. */
ur_status ur_lab_run(ur_lab *lab, json_t **document, ur_err *err);

/* The closing table, from the sections (summary.c); a new reference. */
json_t *ur_lab_summary(const json_t *sections);

/* -- for experiments -- */

/* The fact of this name of the experiment that goes on; NULL: it is to be measured. Borrowed. *status: the
 * journal's. */
json_t *ur_lab_recall(ur_lab *lab, ur_status *status, ur_err *err, const char *format, ...) UR_PRINTF(4, 5);
/* Keeps a fact, of which it takes the reference (NULL: there was no memory to make it), and puts the document. None is
 * called "facts": under that name the journal has the names of all. */
ur_status ur_lab_keep(ur_lab *lab, json_t *fact, ur_err *err, const char *format, ...) UR_PRINTF(4, 5);
/* Says what is going on; UR_E_STOPPED: the user wants no more. `share` of the experiment, 0..1; below 0: by the
 * clock. */
ur_status ur_lab_say(ur_lab *lab, double share, ur_err *err, const char *format, ...) UR_PRINTF(4, 5);
/* Whether the user wants no more; says how far it is by the clock. A ur_stop of measure/ and train/; arg is the lab. */
int ur_lab_stopping(void *lab);
/* quick, standard or full, by lab->size. */
double ur_lab_pick(const ur_lab *lab, double quick, double standard, double full);

/* A thing to time: run(arg) once. */
typedef struct ur_timed { void (*run)(void *arg); void *arg; } ur_timed;
enum { UR_LAB_REPEATS = 15 };
typedef struct ur_times {
	int n;                                  /* repeats that count, 1 .. UR_LAB_REPEATS; 0: not measured */
	double median, low, high;               /* seconds; low and high: 95 % interval by order statistics ... */
	int sure;                               /* ... 0: too few repeats for one, they are the least and the most */
	double thread, thread_low, thread_high; /* the same of processor seconds of the calling thread: what others on the
	                                         * machine disturb least, of a thing that uses no other thread */
	double cpu;                             /* processor seconds (all threads) over wall seconds, of those repeats */
} ur_times;
/* Times n things in turns, one after the other, after one round that does not count, until `seconds` are over or there
 * are enough repeats; each at least once. A thing so short that the clock would show is run several times a repeat.
 * stop(arg) is asked between: non-zero ends it at once (what has no repeat has n 0). */
void ur_lab_time(int n, const ur_timed *thing, double seconds, ur_times *out, int (*stop)(void *), void *arg);
/* The same, stopped when the user wants no more: UR_E_STOPPED. */
ur_status ur_lab_turns(ur_lab *lab, int n, const ur_timed *thing, double seconds, ur_times *out, ur_err *err);
/* {"n": 9, "median", "low", "high", "sure", "thread", "thread_low", "thread_high", "cpu"} */
json_t *ur_times_json(const ur_times *t);

#endif
