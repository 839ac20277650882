/* Names with something before them; the rest is passed on. */
#include "lab/under.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_NAME = 512 };

static const char *longer(const ur_under *u, const char *name, char out[MOST_NAME])
{
	(void)snprintf(out, MOST_NAME, "%s/%s", u->name, name);
	return out;
}

static ur_status get(void *arg, const char *name, json_t **fact, ur_err *err)
{
	const ur_under *u = arg;
	char full[MOST_NAME];
	return u->of->get(u->of->arg, longer(u, name, full), fact, err);
}

static ur_status put(void *arg, const char *name, const json_t *fact, ur_err *err)
{
	const ur_under *u = arg;
	char full[MOST_NAME];
	return u->of->put(u->of->arg, longer(u, name, full), fact, err);
}

static ur_status begin(void *arg, const ur_journal_run *run, int64_t *id, ur_err *err)
{
	const ur_under *u = arg;
	char full[MOST_NAME];
	ur_journal_run renamed = *run;

	renamed.name = longer(u, run->name, full);
	return u->of->begin(u->of->arg, &renamed, id, err);
}

static ur_status end(void *arg, int64_t id, const char *status, int64_t steps, int64_t tokens, double seconds,
                     double loss, ur_err *err)
{
	const ur_under *u = arg;
	return u->of->end(u->of->arg, id, status, steps, tokens, seconds, loss, err);
}

static ur_status points(void *arg, int64_t id, int n, const ur_journal_point *p, ur_err *err)
{
	const ur_under *u = arg;
	return u->of->points(u->of->arg, id, n, p, err);
}

static ur_status curves(void *arg, int64_t id, json_t **out, ur_err *err)
{
	const ur_under *u = arg;
	return u->of->curves(u->of->arg, id, out, err);
}

ur_status ur_under_open(ur_under *under, const ur_journal *of, const char *name, ur_err *err)
{
	*under = (ur_under){ .of = of };
	(void)snprintf(under->name, sizeof under->name, "%s", name);
	if (snprintf(under->folder, sizeof under->folder, "%s/%s", of->folder, name) >= (int)sizeof under->folder)
		return ur_fail(err, UR_E_INVALID, "the journal's folder has too long a name: ...%.200s", of->folder);
	for (char *c = under->folder + strlen(of->folder) + 1; *c; c++)
		*c = *c == '/' ? '-' : *c;
	if (mkdir(under->folder, 0777) && errno != EEXIST)
		return ur_fail(err, UR_E_IO, "cannot make the folder ...%.200s: %s", ur_path_tail(under->folder),
		               strerror(errno));
	under->journal = (ur_journal){ under, under->folder, get, put, begin, end, points, curves };
	return UR_OK;
}

void ur_under_close(ur_under *under) { ur_remove_all(under->folder); }
