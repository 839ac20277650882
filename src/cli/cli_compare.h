/* The parts of the compare command: its progress, its tables, its JSON. */
#ifndef UR_CLI_COMPARE_H
#define UR_CLI_COMPARE_H

#include "cli/cli.h"

#include "compare/compare.h"

/* ---- what came out (cli_comparison.c) ---- */

typedef struct ur_setting {
	const ur_compare *what;
	const char *data;
	const char *note;           /* on the vocabulary; may be NULL */
	const char *again;          /* the command that gives the same losses again; may be NULL */
} ur_setting;

void ur_comparison_print(const ur_setting *s, const ur_comparison *c);
json_t *ur_comparison_json(const ur_setting *s, const ur_comparison *c);

#endif
