/* What the runs command shows (cli_runs.c). */
#ifndef UR_CLI_RUNS_H
#define UR_CLI_RUNS_H

#include "cli/cli_store.h"

typedef struct ur_listing {
	const char *path;
	ur_store *store;            /* NULL: there is none, and the lists are empty */
	ur_store_comparisons comparisons;
	ur_store_runs runs;
	int all;                    /* nothing was asked for in particular */
	int both;                   /* comparisons and runs of their own */
	int64_t of_comparison;      /* not 0: one comparison and its runs */
	int shown;                  /* of each list; there may be more in it. 0: all */
} ur_listing;

void ur_listing_print(const ur_listing *l);
json_t *ur_listing_json(const ur_listing *l);
void ur_listing_csv(const ur_listing *l);

/* One run and its points, as ur_store_points_json gives them. */
void ur_run_print(const ur_store_run *r, json_t *points);
json_t *ur_run_json(const ur_store_run *r, json_t *points);
void ur_points_csv(json_t *points);

#endif
