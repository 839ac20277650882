/* A part of a journal under a name of its own, so that what is kept there (a comparison, say) meets nothing else. */
#ifndef UR_UNDER_H
#define UR_UNDER_H

#include "compare/journal.h"

typedef struct ur_under {
	ur_journal journal;             /* what the part is given */
	const ur_journal *of;
	char name[64], folder[4096];
} ur_under;

/* Facts and runs get `name` and a slash before theirs, files a folder within the journal's, made if need be. *under
 * must stay where it is while it is used. */
ur_status ur_under_open(ur_under *under, const ur_journal *of, const char *name, ur_err *err);
/* Removes the folder: once nothing in it is wanted any more, not where the work is to go on later. */
void ur_under_close(ur_under *under);

#endif
