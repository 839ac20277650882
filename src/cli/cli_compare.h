/* What compare and lab share: what they show while they run, and where they keep what they find; and the tables of
 * compare. */
#ifndef UR_CLI_COMPARE_H
#define UR_CLI_COMPARE_H

#include "cli/cli.h"

#include "compare/compare.h"
#include "store/store.h"

/* ---- progress on standard error (cli_race.c) ---- */

/* On a terminal a line for every model, which stay in place, and one for the whole; elsewhere a line for each stage and
 * one every few seconds. */
typedef struct ur_race {
	int quiet;
	int lines;                  /* on the terminal now, which the next ones overwrite */
	double shown;
	char stage[160];
} ur_race;

/* A ur_watch; arg is the race. Stops when a signal came. */
int ur_race_show(void *arg, const ur_stage *s);
/* Whether it is time to show something: this stage is a new one, or the last was shown a while ago. `width`: columns of
 * the terminal, 0: it is none. */
int ur_race_due(ur_race *r, const char *stage, int width);
/* The last line: " 43 %, 2 min 03 s left  text". */
void ur_race_line(ur_race *r, double share, double eta, const char *text, int width);
/* Takes the lines off, before anything else is written. */
void ur_race_clear(ur_race *r);

/* ---- the store as a journal (cli_journal.c) ---- */

typedef struct ur_kept {
	ur_journal journal;         /* what ur_compare is given */
	ur_store *store;
	int64_t id;
	int resumed;
	ur_store_comparison about;
	char folder[UR_STORE_PATH];
} ur_kept;

/* Begins the comparison that kept->about describes, or goes on with it. */
ur_status ur_kept_open(ur_kept *kept, ur_store *store, int fresh, ur_err *err);

/* ---- what came out, from the document (cli_comparison.c) ---- */

void ur_comparison_print(const json_t *document);
void ur_comparison_csv(const json_t *document);
/* In a few words: "use lstm"; how far it is. "": nothing is known. */
void ur_comparison_outcome(const json_t *document, char *out, size_t room);

#endif
