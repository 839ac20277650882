/* The parts of the learn command: events into rows and answers (cli_learn_rows.c), and what it says of them
 * (cli_learn_report.c). */
#ifndef UR_CLI_LEARN_H
#define UR_CLI_LEARN_H

#include "cli/cli.h"

#include "data/events.h"
#include "train/learner.h"

/* ---- events as rows ---- */

/* Which fields of an event are features, and which one is the answer. */
typedef struct ur_learn_rows {
	int target;                     /* where it was last */
	char *target_name;              /* NULL: it has none, and is field `target` */
	int features;
	char **name;                    /* of features; NULL: none has one, and they are all fields but the target */
	int *at;                        /* where each was last */
	float *row;
} ur_learn_rows;

/* What is known of them beforehand. */
typedef struct ur_learn_rows_ask {
	const char *target;             /* a name, a number from 1, or NULL: the last field */
	const ur_list *without;         /* fields to leave out, of those of a model that names none */
	const char *const *names;       /* of the model's features; NULL: it names none, or there is no model yet */
	int features;                   /* that the model has; -1: there is none yet */
	const json_t *before;           /* of an earlier sitting, for events that come without names now; or NULL */
} ur_learn_rows_ask;
/* From the first event. UR_E_INVALID names the source. */
ur_status ur_learn_rows_open(ur_learn_rows *c, const ur_events *from, const ur_event *event,
                             const ur_learn_rows_ask *ask, ur_err *err);
void ur_learn_rows_close(ur_learn_rows *c);
/* Fills c->row, and where the answer stands; NULL: it is missing. UR_E_INVALID. */
ur_status ur_learn_rows_read(ur_learn_rows *c, const ur_events *from, const ur_event *event, const ur_field **answer,
                             ur_err *err);
/* For a checkpoint: {"target": its name or number, "column": 3, "columns": [0, 1]}. */
json_t *ur_learn_rows_json(const ur_learn_rows *c);

/* ---- reports ---- */

typedef struct ur_learn_line {
	int json, heads;                /* heads: the table's head was printed */
	double clock;                   /* of the last report */
	int64_t events;                 /* ... and the events then */
	int64_t before;                 /* events of earlier sittings */
	int64_t bad, bad_before;        /* events passed over, in all and in earlier sittings */
} ur_learn_line;

/* One line on standard output, or one JSON object. */
void ur_learn_report(ur_learn_line *line, const ur_learned *g, double now);
/* What it came to: a table with intervals, or a last JSON object; `seconds` are of this sitting; `out` may be NULL. */
void ur_learn_result(ur_learn_line *line, const ur_learned *g, double seconds, size_t bytes, const char *out);

#endif
