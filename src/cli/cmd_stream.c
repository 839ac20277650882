/* unroll stream: events in, an answer to each out, at once; stops and goes on. */
#define _GNU_SOURCE
#include "cli/cli_stream.h"

#include "base/file.h"
#include "base/machine.h"
#include "data/columns.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMPLAINTS = 5 };        /* events left out that are each told of */

struct values {
	const char *model, *data, *events, *header, *separator, *answer, *state_file, *save_every, *weights;
	int64_t context, window, batch, top, reset_every;
	int reset_at_blank, skip_bad, json, quiet;
};

struct run {
	const ur_args *args;
	const struct values *v;
	ur_model *m;
	ur_stream *stream;
	ur_answers *answers;
	const ur_event_kind *kind;
	int fd;                         /* of the events */
	ur_events *events;
	ur_columns *columns;            /* models of values */
	float *values;
	int features;                   /* of them; the rest is of the answer before */
	int32_t *tokens;                /* models of text: of the event */
	size_t room;
	ur_stream_memo memo;
	double log_sum;                 /* of memo.outputs, where heard */
	int64_t answered, bad;          /* in this run */
	int64_t held;                   /* answers since stdout was flushed */
	int broken;                     /* errno of stdout; 0: fine */
	int64_t save_events;            /* save after so many; 0: not by count */
	double save_seconds;            /* 0: not by time */
	int64_t unsaved;                /* events since the last save */
	double saved;                   /* when that was */
	int code;                       /* of saving: one failure is the last */
	int spoilt;                     /* the stream took an event that it could not answer */
};

/* ---- standard output, and the state file ---- */

static int out(struct run *r)
{
	r->held = 0;
	if (!r->broken && (fflush(stdout) || ferror(stdout))) {
		r->broken = errno ? errno : EIO;
		clearerr(stdout); /* it is dealt with here */
	}
	return !r->broken;
}

/* Answers first: what the file says was answered was shown. Where they cannot be, the file stays what it was. */
static int save(struct run *r)
{
	ur_err err = { 0 };
	ur_status status;

	if (!r->v->state_file || r->code || r->spoilt)
		return r->code;
	if (!out(r))
		return UR_EXIT_OK; /* the end, which run_all tells of */
	if (r->memo.source)
		r->memo.mark = ur_source_mark(r->fd, r->memo.place.bytes);
	status = ur_stream_state_write(r->v->state_file, r->m, r->stream, &r->memo, &err);
	r->unsaved = 0;
	r->saved = ur_clock();
	return r->code = status ? ur_failed(r->args, status, &err) : UR_EXIT_OK;
}

static int save_is_due(const struct run *r)
{
	if (!r->unsaved)
		return 0;
	return (r->save_events && r->unsaved >= r->save_events) ||
	       (r->save_seconds > 0 && ur_clock() - r->saved >= r->save_seconds);
}

/* Before a wait for events: what was answered is shown, and saved once that is due. */
static int idle(void *arg)
{
	struct run *r = arg;
	double left;

	if (!out(r))
		return UR_WAIT_NOT;
	if (r->save_seconds <= 0 || !r->unsaved)
		return UR_WAIT_EVER;
	left = r->save_seconds - (ur_clock() - r->saved);
	if (left > 0)
		return left < 1e6 ? (int)(1000 * left) + 1 : UR_WAIT_EVER;
	return save(r) ? UR_WAIT_NOT : UR_WAIT_EVER;
}

/* ---- one event ---- */

static void hear(struct run *r, const float *outputs)
{
	const int n = unroll_outputs(r->m);

	memcpy(r->memo.outputs, outputs, (size_t)n * sizeof *outputs);
	r->memo.heard = 1;
	if (r->tokens)
		r->log_sum = ur_log_sum(r->memo.outputs, n);
}

static void start_anew(struct run *r)
{
	unroll_stream_reset(r->stream);
	r->memo.heard = 0;
	r->memo.answer = NAN;
	r->memo.since = 0;
}

/* Room for n more steps, before the first is taken: an event is fed whole or not at all. */
static ur_status fits(const struct run *r, int64_t n, ur_err *err)
{
	const int64_t limit = unroll_limit(r->m), at = unroll_position(r->stream);

	if (!limit || n <= limit - at)
		return UR_OK;
	return ur_fail(err, UR_E_FULL, "event %lld takes %lld steps, but the stream is full: it has taken %lld of the %lld "
	               "that %s is built for. --window N (it looks back at N, without end) and --context N make room where "
	               "the model can have them; --reset-every N starts anew",
	               (long long)r->memo.events + 1, (long long)n, (long long)at,
	               (long long)limit, unroll_spec(r->m));
}

/* What is wrong with an event, with its place before it. */
static ur_status at_event(const struct run *r, const ur_event *event, const ur_err *why, ur_err *err)
{
	return ur_fail(err, why->status, "%s, line %lld: %s", ur_path_tail(ur_events_name(r->events)),
	               (long long)event->line, why->text);
}

/* The event's tokens in r->tokens; *n of them. */
static ur_status encode(struct run *r, const ur_event *event, int64_t *n, ur_err *err)
{
	ur_err why = { 0 };

	if (event->n > r->room) {
		int32_t *wider = realloc(r->tokens, 2 * event->n * sizeof *wider);
		if (!wider)
			return ur_fail(err, UR_E_NOMEM, "out of memory for an event's tokens");
		r->tokens = wider;
		r->room = 2 * event->n;
	}
	/* no vocabulary makes more tokens than there are bytes */
	*n = unroll_encode(r->m, event->bytes, event->n, r->tokens, r->room, &why);
	return *n >= 0 ? UR_OK : at_event(r, event, &why, err);
}

static ur_status feed_text(struct run *r, const ur_event *event, ur_answer *answer, ur_err *err)
{
	double nats = 0;
	int64_t n = 0, foreseen = 0;
	ur_status status = encode(r, event, &n, err);

	if (!status)
		status = fits(r, n, err);
	for (int64_t i = 0; i < n && !status; i++) {
		const float *outputs;
		if (r->memo.heard) {
			nats += r->log_sum - (double)r->memo.outputs[r->tokens[i]];
			foreseen++;
		}
		status = unroll_step(r->stream, r->tokens[i], &outputs, err);
		if (!status)
			hear(r, outputs);
	}
	answer->tokens = n;
	answer->surprise = foreseen ? nats / (double)foreseen : NAN;
	return status;
}

static ur_status feed_values(struct run *r, const ur_event *event, ur_err *err)
{
	const float *outputs;
	ur_err why = { 0 };
	const char *column = r->v->answer ? r->v->answer : r->m->ports->answer;
	const int told = r->features < unroll_inputs(r->m);
	double answer = NAN;
	int there = 0;
	ur_status status = ur_columns_read(r->columns, r->events, event, r->values, err);

	if (!status)
		status = fits(r, 1, err);
	if (!status && told)
		status = ur_before_read(r->m, column, r->events, event, &there, &answer, err);
	if (status)
		return status;
	ur_before_tell(r->m, r->features, r->memo.answer, r->values);
	if (unroll_step_values(r->stream, r->values, &outputs, &why))
		return at_event(r, event, &why, err);
	hear(r, outputs);
	r->memo.answer = there || !told ? answer : ur_before_own(r->m, outputs);
	return UR_OK;
}

/* An empty line that parts sequences, where that is asked for: in text it is an event of its own. */
static int is_parting(const struct run *r, const ur_event *event)
{
	return event->bytes && (event->n == 1 || (event->n == 2 && event->bytes[0] == '\r')) &&
	       event->bytes[event->n - 1] == '\n' && r->v->reset_at_blank;
}

static ur_status answer_to(struct run *r, const ur_event *event, ur_err *err)
{
	const struct values *v = r->v;
	ur_answer answer = { .surprise = NAN };
	ur_status status;

	if (is_parting(r, event)) {
		start_anew(r);
		r->memo.place = ur_events_where(r->events);
		return UR_OK;
	}
	if ((v->reset_at_blank && event->after_blank) || (v->reset_every && r->memo.since >= v->reset_every))
		start_anew(r);
	status = event->bytes ? feed_text(r, event, &answer, err) : feed_values(r, event, err);
	if (status)
		return status;
	answer.event = r->memo.events + 1;
	answer.position = unroll_position(r->stream);
	answer.outputs = r->memo.heard ? r->memo.outputs : NULL;
	status = ur_answers_print(r->answers, &answer, err);
	r->spoilt = status != UR_OK;
	if (status)
		return status;
	r->memo.events++;
	r->memo.since++;
	r->memo.place = ur_events_where(r->events);
	r->answered++;
	r->unsaved++;
	if (++r->held >= v->batch)
		(void)out(r);
	return UR_OK;
}

/* ---- all events ---- */

/* An event that could not be read, or that the model cannot take: left out, or the end. */
static int left_out(struct run *r, const ur_err *err)
{
	r->bad++;
	if (!r->v->skip_bad) {
		ur_complain(r->args, "%s; --skip-bad leaves such events out", err->text);
		return UR_EXIT_USAGE;
	}
	if (r->bad <= COMPLAINTS)
		ur_complain(r->args, "left out: %s", err->text);
	return UR_EXIT_OK;
}

static int serve(struct run *r)
{
	int code = UR_EXIT_OK;

	while (!code && !r->broken && !ur_stop_signal()) {
		const ur_event *event;
		ur_err err = { 0 };
		ur_status status = ur_events_next(r->events, &event, &err);

		if (!status && !event)
			break;
		if (!status)
			status = answer_to(r, event, &err);
		if (status == UR_E_STOPPED)
			break;
		if (status == UR_E_INVALID)
			code = left_out(r, &err);
		else if (status)
			return ur_failed(r->args, status, &err);
		if (!code && save_is_due(r))
			code = save(r);
	}
	return code;
}

static void tell(const struct run *r, double seconds)
{
	ur_short a, b, c;

	if (r->bad && r->v->skip_bad)
		ur_complain(r->args, "%s events were left out", ur_commas(r->bad, a));
	if (r->v->quiet)
		return;
	(void)fprintf(stderr, "%s events in %s%s%s\n", ur_commas(r->answered, b), ur_time_text(seconds, c),
	              r->v->state_file ? "; the stream goes on from " : "", r->v->state_file ? r->v->state_file : "");
	if (ur_events_left(r->events))
		ur_complain(r->args, "%s ends within a line, of %s bytes so far: it is left for the next run",
		            ur_path_tail(ur_events_name(r->events)), ur_commas((int64_t)ur_events_left(r->events), a));
}

/* To the end. Whatever ended it, what was answered is shown and saved. */
static int run_all(struct run *r)
{
	const double start = ur_clock();
	int code = serve(r), saved;

	(void)out(r);
	saved = save(r);
	if (r->broken && r->broken != EPIPE) { /* a reader that went away has had enough */
		ur_complain(r->args, "standard output: %s", strerror(r->broken));
		return UR_EXIT_FAILED;
	}
	if (!code)
		code = saved;
	if (!code)
		tell(r, ur_clock() - start);
	return code;
}

/* ---- opening ---- */

/* --save-every 1000, or 30s. */
static int read_save_every(struct run *r)
{
	const char *text = r->v->save_every;
	char *end;
	double x;

	if (!text)
		return UR_EXIT_OK;
	if (!r->v->state_file)
		return ur_wrong(r->args, "--save-every goes with --state-file");
	x = strtod(text, &end);
	if (!(x >= 1e-3 && x <= 1e9) || (*end && strcmp(end, "s")) || (!*end && x != floor(x)))
		return ur_wrong(r->args, "--save-every takes a number of events, or of seconds as in 30s, not '%s'", text);
	if (*end)
		r->save_seconds = x;
	else
		r->save_events = (int64_t)x;
	return UR_EXIT_OK;
}

static int open_model(struct run *r)
{
	const struct values *v = r->v;
	const unroll_options options = { .size = sizeof options, .weights = ur_weights_named(v->weights),
		.context = v->context, .window = v->window };
	ur_err err = { 0 };
	ur_status status = unroll_open_with(v->model, &options, &r->m, &err);
	int n;

	if (!status)
		status = unroll_stream_open(r->m, NULL, &r->stream, &err);
	if (status)
		return ur_failed(r->args, status, &err);
	if (unroll_vocabulary(r->m) && !r->m->vocab)
		return ur_wrong(r->args, "%s has no vocabulary: it reads tokens, not text", ur_path_tail(v->model));
	r->features = ur_before_features(r->m);
	if (v->answer && r->features == unroll_inputs(r->m))
		return ur_wrong(r->args, "--answer: %s does not read the answer before; models of unroll learn without "
		                "--blind do", ur_path_tail(v->model));
	n = unroll_outputs(r->m);
	r->memo.outputs = malloc((size_t)n * sizeof *r->memo.outputs);
	r->answers = ur_answers_open(r->m, (int)v->top, v->json);
	if (r->memo.outputs && r->answers)
		return UR_EXIT_OK;
	ur_complain(r->args, "out of memory for the answers");
	return UR_EXIT_FAILED;
}

/* The kind of events that was asked for, or that fits the model. */
static int pick_kind(struct run *r)
{
	const struct values *v = r->v;
	const int text = unroll_vocabulary(r->m) > 0;
	const char *vocab = text ? ur_vocab_kind_of(r->m->vocab) : NULL;
	ur_err err = { 0 };

	r->kind = ur_event_kind_find(v->events ? v->events : text ? "lines" : "csv", &err);
	if (!r->kind)
		return ur_wrong(r->args, "--events: %s", err.text);
	if (ur_event_kind_records(r->kind) == text)
		return ur_wrong(r->args, "%s reads %s: it takes --events %s", ur_path_tail(v->model), text ? "text" : "values",
		                text ? "lines or bytes" : "csv or jsonl");
	if (ur_event_kind_broken(r->kind) && strcmp(vocab, "byte") && strcmp(vocab, "char"))
		return ur_wrong(r->args, "the model's tokens (%s) are of several bytes: --events lines", vocab);
	if (!ur_event_kind_cells(r->kind) && (v->separator || ur_given(r->args, offsetof(struct values, header))))
		return ur_wrong(r->args, "--header and --separator go with --events csv");
	if (v->reset_at_blank && ur_event_kind_broken(r->kind))
		return ur_wrong(r->args, "--reset-at-blank does not go with --events bytes, which have no lines");
	if (v->separator && strlen(v->separator) != 1 && strcmp(v->separator, "\\t"))
		return ur_wrong(r->args, "--separator takes one character, or \\t for a tab, not '%s'", v->separator);
	return UR_EXIT_OK;
}

static int open_columns(struct run *r)
{
	const int n = r->features;
	const char **name = malloc((size_t)(n ? n : 1) * sizeof *name);
	ur_err err = { 0 };
	ur_status status = UR_OK;

	r->values = malloc((size_t)unroll_inputs(r->m) * sizeof *r->values);
	if (!name || !r->values)
		status = ur_fail(&err, UR_E_NOMEM, "out of memory for %d values", n);
	for (int i = 0; i < n && !status; i++)
		name[i] = unroll_input_name(r->m, i);
	if (!status)
		status = ur_columns_open(n, name, &r->columns, &err);
	free(name);
	return status ? ur_failed(r->args, status, &err) : UR_EXIT_OK;
}

/* The name that a file's place is kept under: where it lies; malloc'd. NULL: it is no file. */
static char *source_of(const struct run *r)
{
	struct stat st;
	const int is_file = r->fd > 0 && !fstat(r->fd, &st) && S_ISREG(st.st_mode);
	char *path = is_file ? realpath(r->v->data, NULL) : NULL, *name = NULL;
	json_t *text = path ? ur_json_string(path) : NULL;

	if (text && json_string_value(text))
		name = strdup(json_string_value(text));
	json_decref(text);
	free(path);
	return name;
}

/* The state, where there is one; else a first one is written, so that a file that cannot be is met now. */
static int open_state(struct run *r, int *found)
{
	ur_err err = { 0 };
	ur_status status;

	*found = 0;
	r->saved = ur_clock();
	if (!r->v->state_file)
		return UR_EXIT_OK;
	status = ur_stream_state_read(r->v->state_file, r->m, r->stream, &r->memo, found, &err);
	if (status)
		return ur_failed(r->args, status, &err);
	if (r->memo.heard && r->tokens)
		r->log_sum = ur_log_sum(r->memo.outputs, unroll_outputs(r->m));
	return UR_EXIT_OK;
}

/* That what was read of the file still stands in it. */
static int check_mark(const struct run *r)
{
	if (r->memo.mark < 0 || ur_source_mark(r->fd, r->memo.place.bytes) == r->memo.mark)
		return UR_EXIT_OK;
	ur_complain(r->args, "%s is not what it was when it was left at byte %lld: another file is in its place, or what was "
	            "read of it has changed. Read it under another name, or with another --state-file",
	            ur_path_tail(r->v->data), (long long)r->memo.place.bytes);
	return UR_EXIT_USAGE;
}

static int open_events(struct run *r)
{
	const struct values *v = r->v;
	const int from_file = v->data && strcmp(v->data, "-");
	ur_events_request ask = { .kind = r->kind, .name = from_file ? v->data : "standard input",
		.wake = ur_stop_wake(), .idle = idle, .arg = r,
		.separator = !v->separator ? ',' : v->separator[1] ? '\t' : v->separator[0],
		.header = *v->header == 'y' ? UR_HEADER_YES : *v->header == 'n' ? UR_HEADER_NO : UR_HEADER_FIND };
	char *source;
	int known;
	ur_err err = { 0 };
	ur_status status;

	if (from_file && (r->fd = open(v->data, O_RDONLY | O_CLOEXEC)) < 0) {
		ur_complain(r->args, "%s could not be opened: %s", ur_path_tail(v->data), strerror(errno));
		return UR_EXIT_FAILED;
	}
	ask.fd = r->fd;
	source = source_of(r);
	known = source && r->memo.source && !strcmp(source, r->memo.source);
	free(r->memo.source);
	r->memo.source = source;
	if (known)
		ask.from = r->memo.place;
	/* who goes on in a file may find the rest of its last line there */
	ask.leave = source && v->state_file;
	status = ur_events_open(&ask, &r->events, &err);
	if (status)
		return ur_failed(r->args, status, &err);
	if (known && check_mark(r))
		return UR_EXIT_USAGE;
	r->memo.place = ur_events_where(r->events);
	return UR_EXIT_OK;
}

static int open_all(struct run *r)
{
	int found, code;

	if ((code = read_save_every(r)) || (code = open_model(r)) || (code = pick_kind(r)))
		return code;
	if (unroll_vocabulary(r->m))
		r->tokens = malloc((r->room = 4096) * sizeof *r->tokens);
	else if ((code = open_columns(r)))
		return code;
	if (r->room && !r->tokens) {
		ur_complain(r->args, "out of memory for an event's tokens");
		return UR_EXIT_FAILED;
	}
	if ((code = open_state(r, &found)))
		return code;
	code = open_events(r);
	if (!code && !found)
		code = save(r);
	return code;
}

static void close_all(struct run *r)
{
	ur_events_close(r->events);
	if (r->fd > 0)
		close(r->fd);
	ur_columns_close(r->columns);
	ur_answers_close(r->answers);
	unroll_stream_close(r->stream);
	unroll_close(r->m);
	free(r->memo.source);
	free(r->memo.outputs);
	free(r->values);
	free(r->tokens);
}

static int run(const ur_args *args)
{
	struct run r = { .args = args, .v = args->values, .memo.answer = NAN, .memo.mark = -1 };
	int code;

	ur_stop_catch(NULL);
	code = open_all(&r);
	if (!code)
		code = run_all(&r);
	close_all(&r);
	return code;
}

#define AT(member) offsetof(struct values, member)
static const ur_opt options[] = {
	UR_OPT(TEXT, "model", 'm', model, "FILE", "the model", .required = 1),
	UR_OPT(TEXT, "data", 'd', data, "FILE", "where events come from", .otherwise = "standard input"),
	UR_OPT(TEXT, "events", 'e', events, "KIND",
	       "what an event is: bytes (each byte), lines (each line of text), csv (a record of comma-separated values) or "
	       "jsonl (a JSON object or array a line)",
	       .otherwise = "lines for a model of text, csv for one of values"),
	UR_OPT(CHOICE, "header", 0, header, "WHAT", "csv: whether the first record has the columns' names; auto: where "
	       "none of its cells is a number", .standard = "auto", .choices = "auto|yes|no"),
	UR_OPT(TEXT, "separator", 0, separator, "C", "csv: what stands between cells; \\t: a tab", .otherwise = "a comma"),
	UR_OPT(TEXT, "answer", 0, answer, "COLUMN",
	       "of a model that reads the answer before (unroll learn makes such): "
	       "where events bring theirs; without it there the model is told its own",
	       .otherwise = "the column it was learnt from"),
	UR_OPT(FLAG, "skip-bad", 0, skip_bad, NULL, "leave out events that cannot be read, and count them, instead of "
	       "stopping"),
	UR_OPT(INT, "top", 'k', top, "K", "show the K likeliest classes, or next tokens", .standard = "1", .least = 1,
	       .most = 1000),
	{ .name = "json", .kind = UR_OPT_FLAG, .at = offsetof(struct values, json), .help = "one JSON object a line" },
	UR_OPT(INT, "batch", 'b', batch, "N", "show answers N at a time, or when no event is waiting", .standard = "1",
	       .least = 1, .most = 1e9),
	UR_OPT_WEIGHTS(struct values),
	UR_OPT(TEXT, "state-file", 's', state_file, "FILE",
	       "go on from it where it exists, bit for bit (with the same kernels: another processor may round another way); "
	       "written at the end, whatever ended it", .group = "state"),
	UR_OPT(TEXT, "save-every", 0, save_every, "N", "write it after every N events too, or Ns: N seconds"),
	UR_OPT(INT, "reset-every", 0, reset_every, "N", "a new sequence begins after every N events", .least = 1,
	       .most = 9e15),
	UR_OPT(FLAG, "reset-at-blank", 0, reset_at_blank, NULL,
	       "a new sequence begins after an empty line, which is no event"),
	UR_OPT(INT, "context", 0, context, "N", "attention: steps that a stream can take", .least = 1, .most = 1 << 30,
	       .otherwise = "what the model was built with", .group = "attention"),
	UR_OPT(INT, "window", 0, window, "N", "attention: look back at N steps alone, in bounded memory, without end",
	       .least = 1, .most = 1 << 30, .otherwise = "what the model was built with"),
	UR_OPT_QUIET(struct values),
	{ .name = NULL }
};

const ur_command ur_command_stream = {
	.usage = "--model FILE [options]",
	.details = "Feeds each event to the model and answers it at once, a line each, before the next one is waited for: "
		"behind tail -f, in a pipe, or from a file. Memory does not grow with the events.\n"
		"SIGINT and SIGTERM end it as the end of its input does, with exit code 0: what was answered is shown and the "
		"state is saved; answers whose reader does not read are waited for first. With --data FILE the state has the "
		"place in that file, so that the next run goes on behind the last answered event, in the same file: one that "
		"was cut, or put in its place, is refused. A last line without its newline is then left for the next run; "
		"without --state-file it is answered. Of a pipe, what was read and not answered is gone.\n"
		UR_ANSWERS_ABOUT,
	.examples = "unroll stream --model model.safetensors --data events.txt\n"
		"printf 'to be\\nor not\\n' | unroll stream --model model.safetensors --json",
	.options = options,
	.size = sizeof(struct values),
	.run = run,
};
