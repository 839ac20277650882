/* What the commands share. A command is one file, cmd_NAME.c, and one line in commands.def.
 *
 * Standard output holds results alone, standard error everything else. Exit codes: 0 fine, 1 failed (a file could not
 * be read or written, no memory, training diverged), 2 wrong usage or bad input, 128 + signal when interrupted. */
#ifndef UR_CLI_H
#define UR_CLI_H

#include "base/status.h"
#include "data/corpus.h"
#include "kernel/gemm.h"
#include "model/model.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { UR_EXIT_OK = 0, UR_EXIT_FAILED = 1, UR_EXIT_USAGE = 2 };

/* ---- options: a table, read by one parser (cli_options.c) ---- */

/* A value lands in the command's struct of values, at offset `at`: */
typedef enum ur_opt_kind {
	UR_OPT_FLAG,        /* int, set to 1 */
	UR_OPT_INT,         /* int64_t in [least, most]; 2000, 2k, 1M, 2e6 */
	UR_OPT_REAL,        /* double in [least, most] */
	UR_OPT_TEXT,        /* const char *, argv's */
	UR_OPT_CHOICE,      /* const char *, one of the words of `choices`, "a|b|c" */
	UR_OPT_LIST,        /* ur_list, argv's texts: the option may be given more than once */
} ur_opt_kind;

enum { UR_MOST_LIST = 16 };
typedef struct ur_list { int n; const char *text[UR_MOST_LIST]; } ur_list;

typedef struct ur_opt {
	const char *name;       /* without dashes; NULL ends a table */
	char letter;            /* 0: none */
	ur_opt_kind kind;
	size_t at;              /* offsetof */
	const char *arg;        /* what help calls the value: "N", "FILE" */
	const char *help;       /* one sentence, no full stop */
	const char *standard;   /* the default, parsed as if it was given; NULL: the value starts as 0 or NULL ... */
	const char *otherwise;  /* ... and help says this of it: "all processors" */
	double least, most;     /* numbers only; both 0: any */
	const char *choices;
	int required;
	const char *group;      /* a heading that begins with this option, in help */
} ur_opt;

enum { UR_MOST_OPTIONS = 64 };

typedef struct ur_args ur_args;

typedef struct ur_command {
	const char *usage;          /* behind "unroll NAME ": "--model FILE [options]" */
	const char *details;        /* paragraphs, may be NULL; \n where a line must end */
	const char *examples;       /* at least one; each a line that runs as it stands */
	const ur_opt *options;      /* may be NULL */
	size_t size;                /* of the struct of values */
	int most_words;             /* arguments that are no options */
	int (*run)(const ur_args *args);    /* the exit code */
} ur_command;

struct ur_args {
	const char *name;           /* of the command, for messages */
	const ur_command *command;
	const void *values;         /* the struct */
	uint64_t given;             /* bit i: options[i] was given */
	int words;
	char *const *word;          /* arguments that are no options */
	int argc;                   /* the whole line, from the program's name on */
	char *const *argv;
};

#define UR_COMMAND(name, about) extern const ur_command ur_command_##name;
#include "cli/commands.def"
#undef UR_COMMAND

typedef struct ur_verb { const char *name, *about; const ur_command *command; } ur_verb;
/* In the order of commands.def, ending with a NULL name. */
extern const ur_verb ur_verbs[];
const ur_verb *ur_verb_find(const char *name);
/* The nearest command, for "did you mean"; NULL: none is near. */
const char *ur_verb_near(const char *name);

/* Reads argv[2...] by the command's table into `values` (command->size bytes, zeroed) and `words` (room for argc of
 * them). UR_PARSE_WRONG: the complaint is on standard error. */
typedef enum ur_parsed { UR_PARSE_OK, UR_PARSE_HELP, UR_PARSE_WRONG } ur_parsed;
ur_parsed ur_args_parse(ur_args *args, void *values, char **words);
/* What a value of --weights names; NULL: as stored. */
unroll_weights ur_weights_named(const char *name);
/* A whole number as options take them: 20000, 20k, 2e4. *end is what follows; `text` itself: none is there. */
int64_t ur_read_whole(const char *text, const char **end);
/* A number as they take them, finite. *end as above. */
double ur_read_real(const char *text, const char **end);
/* Whether the option whose value lies at offset `at` was given. */
int ur_given(const ur_args *args, size_t at);
/* Restricted Damerau-Levenshtein distance, at most `most` + 1. */
int ur_edit_distance(const char *a, const char *b, int most);
/* Whether `name` is nearly `known`, and how far off in *distance: a slip or two, or its beginning. */
int ur_is_near(const char *name, const char *known, int *distance);

/* The help of one command, or of the program, on `to`. */
void ur_print_command_help(const ur_verb *verb, FILE *to);
void ur_print_help(FILE *to);
/* Text in lines of at most `width` columns, each indented by `indent`; the first line starts at column `at`. */
void ur_print_wrapped(FILE *to, const char *text, int at, int indent, int width);

/* One line of a table; AT(member) is the file's own, offsetof(its struct of values, member). */
#define UR_OPT(kind_, name_, letter_, member, arg_, help_, ...) \
	{ .name = name_, .letter = letter_, .kind = UR_OPT_##kind_, .at = AT(member), .arg = arg_, .help = help_, \
	  ##__VA_ARGS__ }

/* Options several commands have; type is the command's struct of values, which has members of these names. */
#define UR_OPT_THREADS(type) \
	{ .name = "threads", .letter = 't', .kind = UR_OPT_INT, .at = offsetof(type, threads), .arg = "N", .least = 1, \
	  .most = 1024, .otherwise = "all processors", .help = "threads to use; results do not depend on it" }
/* char *vocab; int64_t vocab_size, vocab_min_count: what ur_read_vocab takes. group_: the first one's. */
#define UR_OPT_VOCAB(type, group_) \
	{ .name = "vocab", .kind = UR_OPT_TEXT, .at = offsetof(type, vocab), .arg = "KIND[:N]", .group = group_, \
	  .otherwise = "char for UTF-8 of at most 512 different characters, else byte (pairs: bpe:8000)", \
	  .help = "what a token is: byte, char, word or bpe (byte pairs), and the most tokens there may be of the last " \
	          "two, as in bpe:8000" }, \
	{ .name = "vocab-size", .kind = UR_OPT_INT, .at = offsetof(type, vocab_size), .arg = "N", .least = 3, \
	  .most = UR_VOCAB_MOST, .otherwise = "word: all there are; bpe: 8,000", \
	  .help = "the same N, given on its own: the most tokens there may be" }, \
	{ .name = "vocab-min-count", .kind = UR_OPT_INT, .at = offsetof(type, vocab_min_count), .arg = "N", .least = 1, \
	  .most = 1e12, .otherwise = "1", \
	  .help = "leave out words or characters that come up fewer times: they become one token, the unknown" }
/* const char *weights, for ur_weights_named. */
#define UR_OPT_WEIGHTS(type) \
	{ .name = "weights", .kind = UR_OPT_CHOICE, .at = offsetof(type, weights), .arg = "KIND", \
	  .choices = "f32|bf16|int8", .otherwise = "as the file holds them", \
	  .help = "how to keep the weights while they run: bf16 halves the bytes that a step reads, int8 quarters them" }
#define UR_OPT_JSON(type) \
	{ .name = "json", .kind = UR_OPT_FLAG, .at = offsetof(type, json), .help = "print the result as one JSON object" }
#define UR_OPT_QUIET(type) \
	{ .name = "quiet", .letter = 'q', .kind = UR_OPT_FLAG, .at = offsetof(type, quiet), \
	  .help = "no progress, only the result" }

/* ---- saying things (cli_text.c) ---- */

/* "unroll NAME: text" on standard error, control characters made visible. */
void ur_complain(const ur_args *args, const char *format, ...) UR_PRINTF(2, 3);
/* A complaint about how the command was called, and where to read how; returns UR_EXIT_USAGE. */
int ur_wrong(const ur_args *args, const char *format, ...) UR_PRINTF(2, 3);
/* Says err and returns its exit code. Of UR_E_STOPPED it says nothing: the user knows. */
int ur_failed(const ur_args *args, ur_status status, const ur_err *err);
/* A line of text from a file or a user, control characters made visible, cut to `room`; returns out. */
const char *ur_visible(const char *text, char *out, size_t room);

/* Short texts of numbers, in the caller's buffer, which they return. */
typedef char ur_short[32];
const char *ur_commas(int64_t n, ur_short out);            /* 1,234,567 */
const char *ur_size_text(double bytes, ur_short out);      /* 812 MiB */
const char *ur_time_text(double seconds, ur_short out);    /* 3 min 12 s */

/* A field of a CSV line, quoted where it must be (RFC 4180). */
void ur_csv_text(const char *text);

/* Prints to standard output and frees; UR_EXIT_OK, or UR_EXIT_FAILED when it could not be made (NULL). */
int ur_print_json(const ur_args *args, json_t *json);
/* JSON values of what may be no number (null) or no UTF-8 (replacement characters). */
json_t *ur_json_number(double x);
json_t *ur_json_text(const char *text, size_t bytes);
static inline json_t *ur_json_string(const char *text) { return text ? ur_json_text(text, strlen(text)) : json_null(); }

/* The command line, quoted for a shell, without the words in `without` (ends with NULL) and with the word `with` behind
 * it (may be NULL); malloc'd, NULL: no memory. `program` stands for argv[0], NULL: as it was typed. */
char *ur_command_line(const ur_args *args, const char *program, const char *const *without, const char *with);
/* One word, quoted for a shell where it must be; malloc'd, NULL: no memory. */
char *ur_quoted(const char *word);

/* Columns of the terminal behind a descriptor; 0: it is none. */
int ur_terminal_width(int fd);

/* ---- what commands open (cli_open.c) ---- */

/* Each returns 0, or the exit code once it has complained. */
int ur_open_kernels(const ur_args *args, const ur_kernels **k);
int ur_open_context(const ur_args *args, int64_t threads, ur_ctx *ctx);
/* A model to run, its weights as stored, or as asked. */
int ur_open_model(const ur_args *args, const char *path, const ur_kernels *k, ur_model **model);
int ur_open_model_as(const ur_args *args, const char *path, const ur_kernels *k, unroll_weights weights,
                     ur_model **model);
/* The same, and it must have a vocabulary, one of pairs on either side. */
int ur_open_text_model(const ur_args *args, const char *path, const ur_kernels *k, ur_model **model);
int ur_open_text_model_as(const ur_args *args, const char *path, const ur_kernels *k, unroll_weights weights,
                          ur_model **model);
/* The tokens of a part of a text ("train", "val", "test", "all") that train cut off with these shares; at least two. */
int ur_part_range(const ur_args *args, const ur_corpus *corpus, const char *part, double val, double test,
                  int64_t *from, int64_t *to);
/* Progress of reading a file, a line on a terminal unless `quiet`; arg of ur_reading_progress, which is a ur_progress
 * and stops at a signal that ur_stop_catch caught. */
typedef struct ur_reading { const char *path; double started, shown; int width; } ur_reading;
ur_reading ur_reading_start(const char *path, int quiet);
int ur_reading_progress(void *arg, int64_t done, int64_t total);
void ur_reading_end(const ur_reading *r);
/* A corpus, with progress on a terminal unless `quiet`. Stops at a signal that ur_stop_catch caught. The second says
 * nothing of a failure. */
int ur_open_corpus(const ur_args *args, const ur_corpus_request *request, int quiet, ur_corpus **corpus);
ur_status ur_try_corpus(const ur_corpus_request *request, int quiet, ur_corpus **corpus, ur_err *err);
/* A corpus whose vocabulary may be left to the text (request->vocab and use NULL): its characters, where it is UTF-8 of
 * at most UR_MOST_CHARACTERS different ones, else its bytes; `note` then says why ("": nothing to say). */
enum { UR_MOST_CHARACTERS = 512 };
typedef char ur_note[120];
/* --vocab, --vocab-size and --vocab-min-count, as UR_OPT_VOCAB has them; kind NULL: left to the text. */
int ur_read_vocab(const ur_args *args, const char *vocab, int64_t size, int64_t min_count, ur_vocab_request *request);
int ur_open_any_corpus(const ur_args *args, const ur_corpus_request *request, int quiet, ur_corpus **corpus,
                       ur_note note);

/* ---- interrupts (cli_stop.c) ---- */

/* From here on the first SIGINT, SIGTERM or SIGHUP only sets a flag; a second one ends the process. `notice` (static
 * text, may be NULL) is shown at the first. */
void ur_stop_catch(const char *notice);
/* The signal that came; 0: none. */
int ur_stop_signal(void);
/* A descriptor that can be read once a signal came, for waiting with poll; 0: there is none to be had. Nobody reads
 * from it. */
int ur_stop_wake(void);

#endif
