/* The order of work of a lab, and its document. */
#include "lab/rigs.h"

#include "base/machine.h"
#include "base/pool.h"
#include "mixer/mixer.h"
#include "unroll.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UR_EXPERIMENT(name) &ur_experiment_##name,
const ur_experiment *const ur_experiments[] = {
#include "lab/experiments.def"
	NULL
};
#undef UR_EXPERIMENT

enum { MOST_NAME = 160 };
static const double PUT_EVERY = 2; /* seconds from one document to the next */

const char *ur_lab_size_name(ur_lab_size size)
{
	static const char *const names[] = { "quick", "default", "full" };
	return names[size];
}

const ur_experiment *ur_experiment_find(const char *name)
{
	for (int i = 0; ur_experiments[i]; i++)
		if (!strcmp(ur_experiments[i]->name, name))
			return ur_experiments[i];
	return NULL;
}

int ur_lab_mixers(ur_lab_mixer *out, int room)
{
	int n = 0;

	for (int i = 0; ur_mixer_forwards[i] && n < room; i++)
		if (!(ur_mixer_forwards[i]->mixer->flags & UR_READS_MEMORY))
			out[n++] = (ur_lab_mixer){ ur_mixer_forwards[i]->mixer->name, ur_mixer_forwards[i],
			                           ur_mixer_backward_of(ur_mixer_forwards[i]->mixer) };
	return n;
}

double ur_lab_pick(const ur_lab *lab, double quick, double standard, double full)
{
	return lab->size == UR_LAB_QUICK ? quick : lab->size == UR_LAB_FULL ? full : standard;
}

static int chosen(const ur_lab *lab, int i)
{
	for (int k = 0; k < lab->chosen; k++)
		if (lab->only[k] == i)
			return 1;
	return lab->chosen == 0;
}

static ur_status no_memory(ur_err *err) { return ur_fail(err, UR_E_NOMEM, "out of memory for the lab's document"); }

/* -- sections -- */

static json_t *paragraphs(const char *const *lines)
{
	json_t *out = json_array();

	for (; lines && *lines; lines++)
		if (json_array_append_new(out, json_string(*lines)))
			return json_decref(out), NULL;
	return out;
}

/* A whole section; a new reference, NULL: no memory. */
static json_t *section_of(const ur_lab *lab, const ur_experiment *e, const char *state, const char *why,
                          const json_t *facts, const json_t *others)
{
	static const char *const options[] = { " --quick", "", " --full" };
	char command[MOST_NAME];
	ur_section s = { 0 };

	(void)snprintf(command, sizeof command, "unroll lab %s%s --seed %" PRIu64, e->name, options[lab->size], lab->seed);
	if (lab->threads > 0)
		(void)snprintf(command + strlen(command), sizeof command - strlen(command), " --threads %d", lab->threads);
	s.json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:o,s:o,s:[],s:[],s:[],s:[],s:[]}", "name", e->name, "title",
		e->title, "question", e->question, "claims", e->claims, "state", state, "why",
		why ? json_string(why) : json_null(),
		"command", command, "lesson", paragraphs(e->lesson), "how", paragraphs(e->how), "findings", "figures", "charts",
		"tables", "questions");
	if (!s.json)
		return NULL;
	e->conclude(facts, others, &s);
	if (json_object_set_new(s.json, "seconds", json_real(ur_fact_at(facts, "seconds"))))
		s.failed = s.failed || !isnan(ur_fact_at(facts, "seconds"));
	if (s.failed) {
		json_decref(s.json);
		return NULL;
	}
	return s.json;
}

/* Sections are in the order of the table; this one is replaced. */
static ur_status set_section(ur_lab *lab, int i, const char *state, const char *why, ur_err *err)
{
	const ur_experiment *e = ur_experiments[i];
	json_t *others = json_array(), *made = NULL;
	size_t at = 0;

	for (int k = 0; k < i; k++)
		at += (size_t)chosen(lab, k);
	for (size_t k = 0; others && k < at; k++)
		if (json_array_append(others, json_array_get(lab->sections, k))) {
			json_decref(others);
			return no_memory(err);
		}
	if (others)
		made = section_of(lab, e, state, why, lab->facts, others);
	json_decref(others);
	if (!made || (at < json_array_size(lab->sections) ? json_array_set_new(lab->sections, at, made)
	                                                  : json_array_append_new(lab->sections, made)))
		return no_memory(err);
	return UR_OK;
}

/* -- the document -- */

static json_t *document_of(const ur_lab *lab, int done)
{
	char processor[128];
	const int64_t memory = ur_memory_free();
	json_t *summary = ur_lab_summary(lab->sections);
	json_t *d = json_pack("{s:i,s:s,s:s,s:f,s:f,s:s,s:o,s:s,s:I,s:o,s:o}", "schema", 1, "kind", "lab", "state",
		done ? "done" : "running", "started", lab->epoch, "seconds", lab->before + ur_clock() - lab->started, "version",
		UNROLL_VERSION, "command", lab->command ? json_string(lab->command) : json_null(), "size",
		ur_lab_size_name(lab->size), "seed", (json_int_t)lab->seed, "experiments",
		json_incref(lab->sections), "summary", summary ? summary : json_null());

	ur_cpu_name(processor, sizeof processor);
	if (d && json_object_set_new(d, "machine", json_pack("{s:s,s:i,s:s,s:f,s:f,s:f,s:o}", "processor", processor,
		"threads", lab->ctx->threads, "kernels", lab->ctx->k->name, "peak_flops", lab->speed.flops, "peak_flops_one",
		lab->speed_one.flops, "bandwidth", lab->speed.bandwidth, "memory_free",
		memory >= 0 ? json_integer(memory) : json_null()))) {
		json_decref(d);
		return NULL;
	}
	if (d && !done && lab->now)
		json_object_set_new(d, "stage", json_pack("{s:s,s:s,s:f,s:f}", "experiment", lab->now->name, "what", lab->doing,
		                                          "share", lab->stage.share, "eta", lab->stage.eta));
	return d;
}

static ur_status put(ur_lab *lab, int done, ur_err *err)
{
	json_t *d = document_of(lab, done), *sitting;
	ur_status status;

	if (!d)
		return no_memory(err);
	json_decref(lab->document);
	lab->document = d;
	lab->said = ur_clock();
	status = lab->journal->put(lab->journal->arg, "document", d, err);
	sitting = json_pack("{s:f,s:f}", "started", lab->epoch, "seconds", lab->before + ur_clock() - lab->started);
	if (!status && sitting)
		status = lab->journal->put(lab->journal->arg, "lab/sitting", sitting, err);
	json_decref(sitting);
	return status;
}

static int index_of(const ur_experiment *e)
{
	int i = 0;

	while (ur_experiments[i] && ur_experiments[i] != e)
		i++;
	return i;
}

/* -- for experiments -- */

static ur_status say(ur_lab *lab, double share, ur_err *err)
{
	const double allowed = lab->now->seconds ? lab->now->seconds(lab) : 0;
	const double took = lab->spent + ur_clock() - lab->began, clock = allowed > 0 ? took / allowed : 0;

	if (share < 0)
		share = clock < 0.98 ? clock : 0.98;
	if (share > lab->share)
		lab->share = share < 1 ? share : 1;
	lab->stage = (ur_lab_stage){ lab->now->name, lab->doing,
		(lab->done + lab->share * allowed) / lab->total, lab->total - lab->done - lab->share * allowed };
	if (lab->watch && lab->watch(lab->arg, &lab->stage))
		return ur_fail(err, UR_E_STOPPED, "stopped");
	return UR_OK;
}

ur_status ur_lab_say(ur_lab *lab, double share, ur_err *err, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(lab->doing, sizeof lab->doing, format, list);
	va_end(list);
	return say(lab, share, err);
}

int ur_lab_stopping(void *arg) { return say(arg, -1, NULL) != UR_OK; }

ur_status ur_lab_turns(ur_lab *lab, int n, const ur_timed *thing, double seconds, ur_times *out, ur_err *err)
{
	ur_lab_time(n, thing, seconds, out, ur_lab_stopping, lab);
	return say(lab, -1, err);
}

json_t *ur_lab_recall(ur_lab *lab, ur_status *status, ur_err *err, const char *format, ...)
{
	char name[MOST_NAME], full[2 * MOST_NAME];
	json_t *fact = NULL;
	va_list list;

	va_start(list, format);
	(void)vsnprintf(name, sizeof name, format, list);
	va_end(list);
	if ((fact = json_object_get(lab->facts, name)))
		return *status = UR_OK, fact;
	(void)snprintf(full, sizeof full, "%s/%s", lab->now->name, name);
	*status = lab->journal->get(lab->journal->arg, full, &fact, err);
	if (*status || !fact)
		return NULL;
	if (json_object_set_new(lab->facts, name, fact)) {
		*status = no_memory(err);
		return NULL;
	}
	return fact;
}

/* The names of an experiment's facts, so that a lab that goes on has them all before it concludes anything. */
static ur_status put_names(ur_lab *lab, ur_err *err)
{
	char full[MOST_NAME];
	json_t *names = json_array(), *fact;
	const char *name;
	ur_status status = names ? UR_OK : no_memory(err);

	json_object_foreach(lab->facts, name, fact)
		if (!status && json_array_append_new(names, json_string(name)))
			status = no_memory(err);
	(void)snprintf(full, sizeof full, "%s/facts", lab->now->name);
	if (!status)
		status = lab->journal->put(lab->journal->arg, full, names, err);
	json_decref(names);
	return status;
}

ur_status ur_lab_keep(ur_lab *lab, json_t *fact, ur_err *err, const char *format, ...)
{
	char name[MOST_NAME], full[2 * MOST_NAME];
	ur_status status;
	va_list list;
	int known;

	va_start(list, format);
	(void)vsnprintf(name, sizeof name, format, list);
	va_end(list);
	(void)snprintf(full, sizeof full, "%s/%s", lab->now->name, name);
	known = json_object_get(lab->facts, name) != NULL;
	if (!fact || json_object_set_new(lab->facts, name, fact))
		return no_memory(err);
	status = lab->journal->put(lab->journal->arg, full, fact, err);
	if (!status && !known)
		status = put_names(lab, err);
	if (!status && ur_clock() - lab->said > PUT_EVERY &&
	    !(status = set_section(lab, index_of(lab->now), "running", NULL, err)))
		status = put(lab, 0, err);
	return status;
}

/* -- the order of work -- */

/* Seconds of an experiment: what was measured of it, in all its sittings. */
static ur_status keep_seconds(ur_lab *lab, ur_err *err)
{
	return ur_lab_keep(lab, json_real(lab->spent + ur_clock() - lab->began), err, "seconds");
}

/* The experiment is the one that goes on, and all that the journal has of it is known. */
static ur_status take_up(ur_lab *lab, const ur_experiment *e, ur_err *err)
{
	char full[MOST_NAME];
	json_t *names = NULL, *name;
	size_t i;
	ur_status status;

	lab->now = e;
	json_object_clear(lab->facts);
	(void)snprintf(full, sizeof full, "%s/facts", e->name);
	status = lab->journal->get(lab->journal->arg, full, &names, err);
	json_array_foreach(names, i, name)
		if (!status)
			(void)ur_lab_recall(lab, &status, err, "%s", json_string_value(name));
	json_decref(names);
	return status;
}

static ur_status experiment(ur_lab *lab, int i, ur_err *err)
{
	const ur_experiment *e = ur_experiments[i];
	ur_status status = take_up(lab, e, err), kept;
	json_t *before = status ? NULL : ur_lab_recall(lab, &status, err, "seconds");
	char why[sizeof err->text];

	lab->doing[0] = 0;
	lab->share = 0;
	lab->began = ur_clock();
	lab->spent = before ? json_number_value(before) : 0;
	if (!status && !(status = set_section(lab, i, "running", NULL, err)) && !(status = put(lab, 0, err)) &&
	    e->measure) {
		status = e->measure(lab, err);
		kept = keep_seconds(lab, status ? NULL : err);
		status = status ? status : kept;
	}
	lab->done += e->seconds ? e->seconds(lab) : 0;
	if (status == UR_E_NOMEM) {
		(void)snprintf(why, sizeof why, "%s", err ? err->text : "out of memory");
		return set_section(lab, i, "missing", why, err);
	}
	/* the facts so far stay on the page of a lab that was stopped */
	kept = set_section(lab, i, status ? "running" : "done", NULL, status ? NULL : err);
	return status ? status : kept;
}

static ur_status speed(ur_lab *lab, ur_err *err)
{
	json_t *fact = NULL;
	ur_status status = lab->journal->get(lab->journal->arg, "lab/speed", &fact, err);

	if (!status && !fact) {
		ur_speed_measure(lab->ctx, &lab->speed);
		ur_speed_measure(lab->one, &lab->speed_one);
		fact = json_pack("{s:f,s:f,s:f,s:f}", "flops", lab->speed.flops, "bandwidth", lab->speed.bandwidth, "flops_one",
		                 lab->speed_one.flops, "bandwidth_one", lab->speed_one.bandwidth);
		status = fact ? lab->journal->put(lab->journal->arg, "lab/speed", fact, err) : no_memory(err);
	}
	lab->speed = (ur_speed){ ur_fact_at(fact, "flops"), ur_fact_at(fact, "bandwidth") };
	lab->speed_one = (ur_speed){ ur_fact_at(fact, "flops_one"), ur_fact_at(fact, "bandwidth_one") };
	json_decref(fact);
	return status;
}

static ur_status begin(ur_lab *lab, ur_err *err)
{
	json_t *sitting = NULL;
	ur_status status = lab->journal->get(lab->journal->arg, "lab/sitting", &sitting, err);

	lab->epoch = sitting ? ur_fact_at(sitting, "started") : (double)time(NULL);
	lab->before = sitting ? ur_fact_at(sitting, "seconds") : 0;
	json_decref(sitting);
	lab->started = ur_clock();
	lab->done = lab->total = 0;
	for (int i = 0; ur_experiments[i]; i++)
		if (chosen(lab, i) && ur_experiments[i]->seconds)
			lab->total += ur_experiments[i]->seconds(lab);
	lab->total = lab->total > 0 ? lab->total : 1;
	if (!(lab->sections = json_array()) || !(lab->facts = json_object()))
		return no_memory(err);
	/* claims and rules stand before anything is measured, and what an earlier sitting found stays */
	for (int i = 0; ur_experiments[i] && !status; i++)
		if (chosen(lab, i) && !(status = take_up(lab, ur_experiments[i], err)))
			status = set_section(lab, i, "waiting", NULL, err);
	lab->now = NULL;
	return status ? status : speed(lab, err);
}

ur_status ur_lab_run(ur_lab *lab, json_t **document, ur_err *err)
{
	ur_lab_mixer own[UR_LAB_MOST_MIXERS + 1] = { 0 };
	ur_status status;

	*document = NULL;
	lab->document = lab->sections = lab->facts = NULL;
	lab->now = NULL;
	if (!lab->mixer) {
		(void)ur_lab_mixers(own, UR_LAB_MOST_MIXERS);
		lab->mixer = own;
	}
	status = begin(lab, err);
	for (int i = 0; ur_experiments[i] && !status; i++)
		if (chosen(lab, i))
			status = experiment(lab, i, err);
	if (lab->sections && lab->facts && (!status || status == UR_E_STOPPED)) {
		const ur_status last = put(lab, !status, status ? NULL : err);
		status = status ? status : last;
	}
	*document = lab->document;
	lab->document = NULL;
	json_decref(lab->sections);
	json_decref(lab->facts);
	lab->sections = lab->facts = NULL;
	if (lab->mixer == own)
		lab->mixer = NULL;
	return status;
}
