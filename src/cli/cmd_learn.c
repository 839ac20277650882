/* unroll learn: foretell each event of a stream, score it, learn it. */
#include "cli/cli_learn.h"

#include "base/file.h"
#include "base/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

struct values {
	const char *model, *data, *events, *header, *separator, *target, *task, *out, *optimizer, *on_drift, *learn_from;
	ur_list without;
	int64_t classes, window, every, snapshot_every, most, freeze_after, seed, threads;
	double lr, momentum, weight_decay, clip, normalise, fade, delta;
	int resume, overwrite, blind, skip_bad, json, quiet;
};

typedef struct session {
	const ur_args *args;
	const struct values *v;
	ur_ctx ctx;
	int fd;
	const char *source;
	char path[4096];                /* the model's own checkpoint, "" where nothing is kept */
	json_t *place;                  /* of a checkpoint that was read; else NULL */
	json_t *asked;                  /* what the first sitting was asked for, of what settings of learning are not */
	ur_model *model;                /* until a learner takes it */
	int fresh;
	ur_spec spec;                   /* of a new model */
	int tokens, numbers;            /* reads tokens; answers are numbers */
	const ur_vocab *vocab;
	ur_events *events;
	ur_learn_rows columns;
	int chosen;                     /* columns are */
	ur_learner *learner;
	ur_learn_line line;
	int32_t *token;                 /* of a line */
	int token_room;
	ur_events_place at;             /* behind the last event that was learnt, or passed over */
	int64_t bad;                    /* events passed over up to there, in all sittings */
	int64_t taken;                  /* events of the reader (of text, its lines) that were read, in this sitting */
	int64_t saved;                  /* events at the last snapshot */
	double start;
} session;

/* ---- what is learnt on ---- */

static int has_end(const char *name, const char *end)
{
	const size_t n = strlen(name), e = strlen(end);
	return n > e && !strcmp(name + n - e, end);
}

static int idle(void *arg)
{
	(void)arg;
	return ur_stop_signal() ? UR_WAIT_NOT : 200;
}

static int open_events(session *s)
{
	const struct values *v = s->v;
	const char separator = !v->separator ? (has_end(s->source, ".tsv") ? '\t' : ',') : v->separator[1] ? '\t'
	                       : v->separator[0];
	const char *kind = v->events ? v->events : s->tokens ? "lines"
	                   : has_end(s->source, ".jsonl") || has_end(s->source, ".ndjson") ? "jsonl" : "csv";
	ur_events_request ask = { .name = s->source, .idle = idle, .separator = separator,
		.header = *v->header == 'y' ? UR_HEADER_YES : *v->header == 'n' ? UR_HEADER_NO : UR_HEADER_FIND };
	ur_err err = { 0 };
	ur_status status;

	if (!(ask.kind = ur_event_kind_find(kind, &err)))
		return ur_wrong(s->args, "--events: %s", err.text);
	if (ur_event_kind_records(ask.kind) == s->tokens)
		return ur_wrong(s->args, "%s reads %s: it takes --events %s", ur_path_tail(v->model),
		                s->tokens ? "text" : "values", s->tokens ? "lines or bytes" : "csv or jsonl");
	if (ur_event_kind_broken(ask.kind) && strcmp(ur_vocab_kind_of(s->vocab), "byte") != 0)
		return ur_wrong(s->args, "the model's tokens are not bytes: --events lines");
	if (!ur_event_kind_cells(ask.kind) && (v->separator || ur_given(s->args, offsetof(struct values, header))))
		return ur_wrong(s->args, "--header and --separator go with --events csv");
	if (strcmp(v->data, "-") != 0 && (s->fd = open(v->data, O_RDONLY | O_CLOEXEC)) < 0) {
		ur_complain(s->args, "%s: %s", ur_path_tail(v->data), strerror(errno));
		return UR_EXIT_FAILED;
	}
	ask.fd = s->fd;
	if (s->place && s->fd != STDIN_FILENO) {
		json_int_t bytes = 0, events = 0, lines = 0;
		if (!json_unpack(s->place, "{s:I,s:I,s:I}", "bytes", &bytes, "events", &events, "lines", &lines))
			ask.from = (ur_events_place){ bytes, events, lines };
	}
	s->at = ask.from;
	status = ur_events_open(&ask, &s->events, &err);
	return status ? ur_failed(s->args, status, &err) : UR_EXIT_OK;
}

/* ---- the model ---- */

static int load_model(session *s, const char *path)
{
	ur_err err = { 0 };
	ur_status status = ur_model_load(path, s->ctx.k, 1, &s->model, &err);

	if (status)
		return ur_failed(s->args, status, &err);
	s->spec = s->model->spec;
	s->tokens = !s->model->ports;
	s->numbers = s->model->ports && s->model->ports->says == UNROLL_VALUES;
	s->vocab = s->model->vocab;
	if (!s->tokens || s->vocab)
		return UR_EXIT_OK;
	ur_complain(s->args, "%s has no vocabulary, so it cannot read text", ur_path_tail(path));
	return UR_EXIT_USAGE;
}

/* What decides the result and is not among the settings of ur_learning, which a checkpoint compares itself. */
static json_t *asked(const session *s)
{
	const struct values *v = s->v;
	json_t *without = json_array();

	for (int i = 0; without && i < v->without.n; i++)
		(void)json_array_append_new(without, json_string(v->without.text[i]));
	return json_pack("{s:s,s:s?,s:s?,s:I,s:b,s:I,s:o}", "model", ur_path_tail(v->model), "target", v->target, "task",
	                 v->task, "classes", (json_int_t)v->classes, "blind", v->blind, "seed", (json_int_t)v->seed,
	                 "without", without);
}

/* Going on is with what was asked for then: whatever is given now must be the same. */
static int check_asked(session *s)
{
	static const struct { size_t at; const char *name; } options[] = {
		{ offsetof(struct values, target), "target" }, { offsetof(struct values, task), "task" },
		{ offsetof(struct values, classes), "classes" }, { offsetof(struct values, blind), "blind" },
		{ offsetof(struct values, seed), "seed" }, { offsetof(struct values, without), "without" },
		{ offsetof(struct values, model), "model" },
	};
	json_t *now = asked(s);
	int code = UR_EXIT_OK;

	for (size_t i = 0; i < sizeof options / sizeof *options && s->asked && !code; i++) {
		const json_t *a = json_object_get(s->asked, options[i].name), *b = json_object_get(now, options[i].name);
		const json_t *column = json_object_get(json_object_get(s->place, "columns"), options[i].name);
		char *was;

		if (!a || !ur_given(s->args, options[i].at) || json_equal(a, b) || (column && json_equal(column, b)))
			continue;
		if (options[i].at == offsetof(struct values, model) && (!strcmp(s->v->model, s->v->out) ||
		                                                        access(s->v->model, F_OK) != 0))
			continue; /* the file itself; a spec was compared with the model's */
		was = json_dumps(a, JSON_ENCODE_ANY | JSON_COMPACT);
		code = ur_wrong(s->args, "%s was begun with --%s %.200s; go on with the same, or leave it out",
		                ur_path_tail(s->path), options[i].name, json_is_true(a) ? "given" : json_is_false(a) ||
		                json_is_null(a) ? "not given" : was ? was : "?");
		free(was);
	}
	json_decref(now);
	return code;
}

/* A file, or a spec; where it goes on, the model that lies beside the checkpoint. */
static int choose_model(session *s)
{
	const struct values *v = s->v;
	ur_err err = { 0 };

	if (v->resume) {
		const int code = load_model(s, v->out);

		if (!code && access(v->model, F_OK) != 0 && strcmp(v->model, s->spec.text) != 0)
			return ur_wrong(s->args, "%s is of %s, not of %s", ur_path_tail(s->path), s->spec.text, v->model);
		return code ? code : check_asked(s);
	}
	if (!access(v->model, F_OK)) {
		static const struct { size_t at; const char *name; } new_only[] = {
			{ offsetof(struct values, task), "task" }, { offsetof(struct values, classes), "classes" },
			{ offsetof(struct values, blind), "blind" }, { offsetof(struct values, freeze_after), "freeze-after" },
			{ offsetof(struct values, seed), "seed" },
		};

		for (size_t i = 0; i < sizeof new_only / sizeof *new_only; i++)
			if (ur_given(s->args, new_only[i].at))
				return ur_wrong(s->args, "--%s is of a new model; %s has it decided", new_only[i].name,
				                ur_path_tail(v->model));
		return load_model(s, v->model);
	}
	s->fresh = 1;
	if (!ur_spec_parse(v->model, &s->spec, &err))
		return UR_EXIT_OK;
	if (strchr(v->model, '/') || has_end(v->model, ".safetensors")) {
		ur_complain(s->args, "%s: %s", ur_path_tail(v->model), strerror(ENOENT));
		return UR_EXIT_FAILED;
	}
	return ur_wrong(s->args, "--model is no file, and no spec: %s", err.text);
}

/* Answers of a new model are classes, unless the first is a number that is not whole. */
static int are_numbers(const session *s, const ur_field *answer)
{
	if (s->v->task)
		return !strcmp(s->v->task, "number");
	return answer && answer->is == UR_FIELD_NUMBER && answer->value != floor(answer->value);
}

static void settings(const session *s, ur_learning *h)
{
	const struct values *v = s->v;

	ur_learning_defaults(h, &s->spec);
	h->window = (int)v->window;
	h->whole = !strcmp(v->learn_from, "window");
	h->optimizer = v->optimizer;
	if (v->lr > 0)
		h->lr = v->lr;
	h->momentum = v->momentum;
	h->weight_decay = v->weight_decay;
	h->clip = v->clip;
	h->norm = v->normalise;
	h->fade = v->fade;
	h->delta = v->delta;
	h->faster = !strcmp(v->on_drift, "rate");
	h->freeze_after = v->freeze_after;
}

static ur_status make_model(session *s, const ur_field *answer, ur_err *err)
{
	const ur_learn_rows *c = &s->columns;
	ur_learn_shape shape = { .features = c->features, .name = (const char *const *)c->name, .target = c->target_name,
		.blind = s->v->blind };

	s->numbers = are_numbers(s, answer);
	shape.classes = s->numbers ? 0 : (int)s->v->classes;
	return ur_learn_model(&s->spec, &shape, (uint64_t)s->v->seed, s->ctx.k, &s->model, err);
}

/* The features that a model names; NULL: it names none of them. */
static const char *const *names_of(const ur_model *m, int *features)
{
	const ur_port *p = &m->ports->in;
	const int most = p->n - ur_ports_fed(m->ports);
	int n = 0;

	while (n < most && p->name[n])
		n++;
	*features = n;
	if (n)
		return (const char *const *)p->name;
	*features = most;
	return NULL;
}

static ur_status save(session *s, ur_err *err)
{
	const ur_events_place at = s->at;
	json_t *place;
	ur_status status;

	if (!*s->path)
		return UR_OK;
	place = json_pack("{s:I,s:I,s:I,s:I,s:o?,s:O?}", "bytes", (json_int_t)at.bytes, "events", (json_int_t)at.events,
	                  "lines", (json_int_t)at.lines, "bad", (json_int_t)s->bad, "columns",
	                  s->tokens ? NULL : ur_learn_rows_json(&s->columns), "asked", s->asked);
	/* the model first: a checkpoint always has one beside it */
	status = ur_model_save(ur_learner_model(s->learner), s->v->out, 0, NULL, err);
	if (!status)
		status = ur_learner_save(s->learner, place, s->path, err);
	json_decref(place);
	s->saved = ur_learner_score(s->learner).events;
	return status;
}

/* Of the first event. */
static ur_status choose_columns(session *s, const ur_event *e, ur_err *err)
{
	const json_t *before = json_object_get(s->place, "columns");
	ur_learn_rows_ask ask = { .target = before ? json_string_value(json_object_get(before, "target")) : s->v->target,
		.without = &s->v->without, .features = -1, .before = before };

	if (s->tokens || s->chosen)
		return UR_OK;
	s->chosen = 1;
	if (s->model)
		ask.names = names_of(s->model, &ask.features);
	return ur_learn_rows_open(&s->columns, s->events, e, &ask, err);
}

/* Once the first event that can be read is there: the model, the learner. */
static ur_status begin(session *s, const ur_field *answer, ur_err *err)
{
	ur_learning how;
	ur_status status = UR_OK;

	if (!s->model)
		status = make_model(s, answer, err);
	if (status)
		return status;
	settings(s, &how);
	status = ur_learner_open(&how, s->model, s->fresh, &s->ctx, &s->learner, err);
	s->model = NULL;
	if (!status && s->place && (status = ur_learner_restore(s->learner, s->path, NULL, err))) {
		ur_learner_close(s->learner); /* it must not be saved over the checkpoint that it is not */
		s->learner = NULL;
	}
	if (!status)
		s->saved = s->line.events = s->line.before = ur_learner_score(s->learner).events;
	/* whether it can be written is better known before a long stream than behind it */
	return status || s->place ? status : save(s, err);
}

/* ---- events ---- */

static void report(session *s)
{
	const ur_learned g = ur_learner_score(s->learner);

	if (s->v->every && g.events && g.events % s->v->every == 0 && !s->v->quiet)
		ur_learn_report(&s->line, &g, ur_clock());
}

static ur_status learn_row(session *s, const ur_event *e, ur_err *err)
{
	const ur_field *answer;
	const float *said;
	ur_err why = { 0 };
	int drift, class;
	ur_status status = ur_learn_rows_read(&s->columns, s->events, e, &answer, err);

	if (status)
		return status;
	/* an answer that cannot be is told before anything of its event is taken in */
	if (answer && s->numbers && !isfinite((float)answer->value))
		return ur_fail(err, UR_E_INVALID, "%.150s, line %lld: the target is no number that a model can say",
		               ur_events_name(s->events), (long long)e->line);
	if (answer && !s->numbers &&
	    (status = ur_learner_class(s->learner, answer->text, strlen(answer->text), &class, &why)))
		return ur_fail(err, status, "%.150s, line %lld: %s", ur_events_name(s->events), (long long)e->line, why.text);
	if ((status = ur_learner_predict(s->learner, s->columns.row, &said, err)))
		return status;
	if (!answer)
		ur_learner_pass(s->learner);
	else if (s->numbers)
		status = ur_learner_answer_value(s->learner, answer->value, &drift, err);
	else
		status = ur_learner_answer(s->learner, class, &drift, err);
	if (!status && answer)
		report(s);
	return status;
}

static ur_status learn_text(session *s, const ur_event *e, ur_err *err)
{
	int64_t n;
	ur_err why = { 0 };
	ur_status status = UR_OK;
	int drift;

	if ((int64_t)e->n > s->token_room) {
		int32_t *grown = realloc(s->token, 2 * e->n * sizeof *grown);
		if (!grown)
			return ur_fail(err, UR_E_NOMEM, "no memory for a line of %zu bytes", e->n);
		s->token = grown;
		s->token_room = (int)(2 * e->n);
	}
	if ((n = ur_vocab_encode(s->vocab, e->bytes, e->n, s->token, (size_t)s->token_room, &why)) < 0)
		return ur_fail(err, UR_E_INVALID, "%.150s, line %lld: %s", ur_events_name(s->events), (long long)e->line,
		               why.text);
	for (int64_t i = 0; i < n && !status; i++) {
		status = ur_learner_answer(s->learner, s->token[i], &drift, err);
		if (!status)
			report(s);
	}
	return status;
}

/* Malformed events end it, unless they are to be passed over. */
static int passes_over(session *s, ur_status status, const ur_err *err)
{
	if (status != UR_E_INVALID || !s->v->skip_bad)
		return 0;
	if (s->line.bad++ == s->line.bad_before)
		ur_complain(s->args, "%s (passed over, as will be others; how many is told at the end)", err->text);
	return 1;
}

/* To the end of the events, or whatever else ends it. */
static ur_status learn_all(session *s, ur_err *err)
{
	const struct values *v = s->v;
	ur_status status = UR_OK;

	while (!status && !ur_stop_signal() && !(v->most && s->taken >= v->most)) {
		const ur_event *e = NULL;
		const ur_field *answer = NULL;

		status = ur_events_next(s->events, &e, err);
		if (!status && !e)
			return UR_OK;
		/* what is wrong with the columns, the model or the settings is not passed over */
		if (!status && !s->learner) {
			if ((status = choose_columns(s, e, err)))
				return status;
			if (!s->tokens)
				status = ur_learn_rows_read(&s->columns, s->events, e, &answer, err);
			if (!status && (status = begin(s, answer, err)))
				return status;
		}
		if (!status)
			status = s->tokens ? learn_text(s, e, err) : learn_row(s, e, err);
		s->taken += !status;
		if (status && !passes_over(s, status, err))
			break;
		status = UR_OK;
		if (e) { /* the reader stands behind the last event it could give */
			s->at = ur_events_where(s->events);
			s->bad = s->line.bad;
		}
		if (s->learner && v->snapshot_every && ur_learner_score(s->learner).events - s->saved >= v->snapshot_every)
			status = save(s, err);
	}
	return status == UR_E_STOPPED && ur_stop_signal() ? UR_OK : status;
}

/* ---- from the beginning to the end ---- */

static int find_checkpoint(session *s)
{
	const struct values *v = s->v;
	ur_err err = { 0 };
	ur_status status;

	if (!v->out)
		return v->resume ? ur_wrong(s->args, "--resume needs --out: the checkpoint lies beside the model") : UR_EXIT_OK;
	if (ur_checkpoint_path(v->out, s->path, sizeof s->path) >= (int)sizeof s->path)
		return ur_wrong(s->args, "the name of the model file is too long");
	if (!v->resume)
		return access(s->path, F_OK) || v->overwrite ? UR_EXIT_OK
			: ur_wrong(s->args, "%s is there, from an earlier run: --resume goes on from it, --overwrite begins anew",
			           ur_path_tail(s->path));
	if ((status = ur_learner_place(s->path, &s->place, &err)))
		return ur_failed(s->args, status, &err);
	if (json_is_object(s->place))
		return UR_EXIT_OK;
	ur_complain(s->args, "%s is no checkpoint of unroll learn", ur_path_tail(s->path));
	return UR_EXIT_USAGE;
}

static int finish(session *s, ur_status status, ur_err *err)
{
	const int signal = ur_stop_signal();
	ur_err unsaved = { 0 };
	ur_status kept = UR_OK;

	/* what was learnt is kept, whatever ended it */
	if (s->learner && (kept = save(s, &unsaved)))
		(void)ur_failed(s->args, kept, &unsaved);
	if (s->learner && !status) {
		const ur_learned g = ur_learner_score(s->learner);
		ur_learn_result(&s->line, &g, ur_clock() - s->start, ur_learner_bytes(s->learner), kept ? NULL : s->v->out);
	}
	if (status)
		return ur_failed(s->args, status, err);
	if (kept)
		return UR_EXIT_FAILED;
	if (!s->learner && !signal) {
		ur_complain(s->args, "%s: there is no event in it", s->source);
		return UR_EXIT_USAGE;
	}
	if (signal && *s->path && !s->v->quiet)
		(void)fprintf(stderr, "stopped; the same command with --resume goes on\n");
	return signal ? 128 + signal : UR_EXIT_OK;
}

static int go(session *s)
{
	ur_err err = { 0 };
	ur_status status;
	int code;

	if ((code = find_checkpoint(s)))
		return code;
	s->asked = s->place ? json_incref(json_object_get(s->place, "asked")) : asked(s);
	s->bad = s->line.bad = s->line.bad_before = json_integer_value(json_object_get(s->place, "bad"));
	if ((code = choose_model(s)) || (code = open_events(s)))
		return code;
	s->start = s->line.clock = ur_clock();
	status = learn_all(s, &err);
	return finish(s, status, &err);
}

static int run(const ur_args *args)
{
	const struct values *v = args->values;
	session *s;
	int code;

	if (v->resume && v->overwrite)
		return ur_wrong(args, "give --resume or --overwrite, not both");
	if (v->separator && strlen(v->separator) != 1 && strcmp(v->separator, "\\t") != 0)
		return ur_wrong(args, "--separator takes one character, or \\t for a tab, not '%s'", v->separator);
	if (!(s = calloc(1, sizeof *s))) {
		ur_complain(args, "out of memory");
		return UR_EXIT_FAILED;
	}
	s->args = args;
	s->v = v;
	s->fd = STDIN_FILENO;
	s->source = strcmp(v->data, "-") != 0 ? v->data : "standard input";
	s->line.json = v->json;
	ur_stop_catch(NULL);
	if (!(code = ur_open_context(args, v->threads, &s->ctx)))
		code = go(s);
	ur_learner_close(s->learner);
	ur_model_free(s->model);
	ur_events_close(s->events);
	ur_learn_rows_close(&s->columns);
	if (s->fd > STDIN_FILENO)
		(void)close(s->fd);
	free(s->token);
	json_decref(s->place);
	json_decref(s->asked);
	ur_ctx_close(&s->ctx);
	free(s);
	return code;
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "SPEC|FILE", "a new model, as in lstm:1x32, or a file to go on from: of values, "
	       "or of text, whose next token is then foretold", .required = 1),
	UR_OPT(TEXT, "data", 'd', data, "FILE", "the events, from the first to the last; -: standard input",
	       .standard = "-"),
	UR_OPT(TEXT, "events", 'e', events, "KIND", "what an event is: csv (a record), jsonl (a JSON object or array a "
	       "line), "
	       "lines or bytes of text", .otherwise = "by the file's name; csv; lines for models of text"),
	UR_OPT(CHOICE, "header", 0, header, "WHAT", "csv: whether the first record has the columns' names; auto: where "
	       "none of its cells is a number", .standard = "auto", .choices = "auto|yes|no"),
	UR_OPT(TEXT, "separator", 0, separator, "C", "csv: what stands between cells; \\t: a tab",
	       .otherwise = "a comma; in .tsv files a tab"),
	UR_OPT(TEXT, "target", 0, target, "COLUMN", "the field to foretell: its name, or its number from 1",
	       .otherwise = "the last"),
	UR_OPT(LIST, "without", 0, without, "COLUMN", "leave a field out, as one that is no number; may be given again"),
	UR_OPT(TEXT, "out", 'o', out, "FILE", "where the model goes, at every snapshot and at the end"),
	UR_OPT(CHOICE, "task", 0, task, "KIND", "whether answers are classes or numbers", .group = "a new model",
	       .otherwise = "classes, unless the first is a number that is not whole", .choices = "class|number"),
	UR_OPT(INT, "classes", 0, classes, "N", "outputs for classes, which are taken as they come", .standard = "16",
	       .least = 2, .most = 4096),
	UR_OPT(FLAG, "blind", 0, blind, NULL, "do not read the previous answer, which is known when the next event comes"),
	UR_OPT(INT, "freeze-after", 0, freeze_after, "N", "events after which the frozen copy is made", .standard = "1000",
	       .least = 0, .most = 1e15),
	UR_OPT(INT, "seed", 0, seed, "N", "of its first weights", .standard = "1", .least = 0, .most = 9.2e18),
	UR_OPT(INT, "window", 'w', window, "N", "events that gradients reach back over, and all that attention sees",
	       .group = "learning", .standard = "8", .least = 1, .most = 65536),
	UR_OPT(CHOICE, "learn-from", 0, learn_from, "WHICH", "newest: each answer is learnt once; window: each step learns "
	       "from all answers in the window", .standard = "newest", .choices = "newest|window"),
	UR_OPT(CHOICE, "optimizer", 0, optimizer, "NAME", "how gradients become steps", .standard = "adamw",
	       .choices = "adamw|sgd"),
	UR_OPT(REAL, "lr", 0, lr, "X", "learning rate, of every event", .otherwise = "0.003; attention: 0.001",
	       .least = 1e-12, .most = 1e3),
	UR_OPT(REAL, "momentum", 0, momentum, "X", "of sgd", .standard = "0.9", .least = 0, .most = 0.999999),
	UR_OPT(REAL, "weight-decay", 0, weight_decay, "X", "of matrices, apart from the gradient", .standard = "0",
	       .least = 0, .most = 1e3),
	UR_OPT(REAL, "clip", 0, clip, "X", "largest norm of the gradient; 0: any", .standard = "1", .least = 0,
	       .most = 1e9),
	UR_OPT(REAL, "normalise", 0, normalise, "N", "events that the fields' means and scales look back on; 0: all",
	       .standard = "10000", .least = 0, .most = 1e12),
	UR_OPT(CHOICE, "on-drift", 0, on_drift, "WHAT", "rate: four times the learning rate behind a drift, fading",
	       .standard = "none", .choices = "none|rate"),
	UR_OPT(REAL, "fade", 0, fade, "N", "events over which scores fade", .group = "scores", .standard = "1000",
	       .least = 1, .most = 1e12),
	UR_OPT(REAL, "delta", 0, delta, "X", "of ADWIN: how readily it sees a drift where there is none",
	       .standard = "0.002", .least = 1e-12, .most = 0.999),
	UR_OPT(INT, "every", 0, every, "N", "events between reports; 0: none", .standard = "10000", .least = 0,
	       .most = 1e15),
	UR_OPT(INT, "most", 'n', most, "N", "stop after so many (of text: lines) that could be read, of "
	       "this sitting", .group = "general",
	       .otherwise = "at the end", .least = 1, .most = 1e15),
	UR_OPT(INT, "snapshot-every", 0, snapshot_every, "N", "events between snapshots of the model, with a "
	       "checkpoint; 0: "
	       "only at the end", .standard = "100000", .least = 0, .most = 1e15),
	UR_OPT(FLAG, "resume", 0, resume, NULL, "go on from the checkpoint beside --out, in a file behind the last event "
	       "learnt"),
	UR_OPT(FLAG, "overwrite", 0, overwrite, NULL, "begin anew although there is a checkpoint"),
	UR_OPT(FLAG, "skip-bad", 0, skip_bad, NULL, "pass over events that cannot be read, and count them, instead of "
	       "stopping"),
	{ .name = "threads", .letter = 't', .kind = UR_OPT_INT, .at = AT(threads), .arg = "N", .least = 1, .most = 1024,
	  .standard = "1", .help = "threads to use; results do not depend on it, and small models are fastest on one" },
	UR_OPT_JSON(struct values),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};
_Static_assert(sizeof options / sizeof *options <= UR_MOST_OPTIONS, "a bit for each option");

const ur_command ur_command_learn = {
	.usage = "--model SPEC|FILE [--data FILE] [--target COLUMN] [-o FILE] [options]",
	.details = "Foretells each event before its answer is known, scores that, then learns the answer: once, in memory "
		"that does not grow. Beside it run the same model frozen, the last answer again, and the commonest one (or the "
		"mean) so far; scores fade, and changes of the error are told (ADWIN). A recurrent model carries its state for "
		"ever; attention sees its window. Dropout in a spec is not applied.\n"
		"Ctrl-C ends it cleanly. With --out, the model and a checkpoint are written at every snapshot and at the end; "
		"the same command with --resume goes on, also after a crash, to the same weights. A model that reads the "
		"previous answer has inputs for it, answer[-1], behind the fields (--blind: none).",
	.examples = "unroll learn --model gru:1x32 --data stream.csv --target class\n"
		"unroll learn --model lstm:1x16 --data stream.csv -o learnt.safetensors --every 1000 --blind\n"
		"tail -n +1 stream.csv | unroll learn --model transformer:1x32 --window 32 --json --every 500\n"
		"unroll learn --model model.safetensors --data corpus.txt --window 32 --lr 3e-4",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
