/* The lab in the terminal, from its document (docs/LAB.md) alone. */
#ifndef UR_CLI_LAB_H
#define UR_CLI_LAB_H

#include <jansson.h>
#include <stddef.h>

/* The closing table, then each experiment's findings: verdict, claim and what was found. */
void ur_lab_print(const json_t *document);
/* A line for each finding, and one for each figure. */
void ur_lab_csv(const json_t *document);
/* "9 of 14 claims hold", or where it is. */
void ur_lab_outcome(const json_t *document, char *out, size_t room);

#endif
